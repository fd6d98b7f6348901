// SPDX-License-Identifier: Apache-2.0
import { quorumIndex } from "@tsoracle/quorum";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConfChangeSingle, ConfChangeType } from "../../src/raft/conf-change.ts";
import { type ChangeOutcome, Changer } from "../../src/raft/confchange/changer.ts";
import { describeJointVoters, jointCommittedIndex, jointVoteResult } from "../../src/raft/quorum/joint.ts";
import {
  describeIndex,
  describeMajority,
  majorityCommittedIndex,
  majorityVoteResult,
} from "../../src/raft/quorum/majority.ts";
import { type Config, emptyConfig } from "../../src/raft/tracker/config.ts";
import { ProgressTracker } from "../../src/raft/tracker/progress-tracker.ts";

const indexes = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 9 });

function votersOf(count: number, from: number = 1): Set<number> {
  return new Set(Array.from({ length: count }, (_, i) => from + i));
}

describe("quorum: majority (E8)", () => {
  it("commits what the package for quorums counts for the same indexes", () => {
    fc.assert(
      fc.property(indexes, (values) => {
        const needed = Math.floor(values.length / 2) + 1;
        const committed = majorityCommittedIndex(votersOf(values.length), (id) => values[id - 1]);
        expect(committed).toBe(quorumIndex(values, needed));
      }),
    );
  });

  it("is not disturbed by indexes above 2^31, up to the largest safe one", () => {
    const high = [Number.MAX_SAFE_INTEGER, 2 ** 40, 2 ** 31];
    expect(majorityCommittedIndex(votersOf(3), (id) => high[id - 1])).toBe(2 ** 40);
  });

  it("takes a voter that nothing is known of as being at 0", () => {
    expect(majorityCommittedIndex(votersOf(3), (id) => (id === 1 ? 9 : undefined))).toBe(0);
  });

  it("lets the empty configuration commit and win everything", () => {
    expect(describeIndex(majorityCommittedIndex(new Set(), () => undefined))).toBe("∞");
    expect(majorityVoteResult(new Set(), new Map([[1, false]]))).toBe("VoteWon");
    expect(describeMajority(new Set(), () => 1)).toBe("<empty majority quorum>");
  });

  it("decides an election exactly when the votes that are missing cannot change it", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(true, false, undefined), { minLength: 1, maxLength: 7 }), (votes) => {
        const config = votersOf(votes.length);
        const given = new Map(votes.flatMap((vote, i) => (vote === undefined ? [] : [[i + 1, vote] as const])));
        const yes = votes.filter((vote) => vote === true).length;
        const open = votes.filter((vote) => vote === undefined).length;
        const worst = yes * 2 > votes.length;
        const best = (yes + open) * 2 > votes.length;
        expect(majorityVoteResult(config, given)).toBe(worst ? "VoteWon" : best ? "VotePending" : "VoteLost");
      }),
    );
  });

  it("does not count votes of strangers", () => {
    const votes = new Map([1, 7, 8, 9].map((id) => [id, true]));
    expect(majorityVoteResult(votersOf(3), votes)).toBe("VotePending");
  });
});

describe("quorum: joint (M1)", () => {
  it("commits the lower of both halves, in either order", () => {
    fc.assert(
      fc.property(indexes, indexes, fc.nat(6), (first, second, overlap) => {
        const incoming = votersOf(first.length);
        const outgoing = votersOf(second.length, 1 + overlap);
        const acked = (id: number): number => ((id * 7919) % 13) + (first[id % first.length] as number);
        const committed = jointCommittedIndex({ incoming, outgoing }, acked);
        expect(committed).toBe(
          Math.min(majorityCommittedIndex(incoming, acked), majorityCommittedIndex(outgoing, acked)),
        );
        expect(jointCommittedIndex({ incoming: outgoing, outgoing: incoming }, acked)).toBe(committed);
      }),
    );
  });

  it.each([
    ["both won", [true, true], "VoteWon"],
    ["one open", [true, undefined], "VotePending"],
    ["the outgoing half lost", [true, false], "VoteLost"],
    ["the incoming half lost", [false, true], "VoteLost"],
    ["the incoming half lost and one open", [false, undefined], "VoteLost"],
    ["one lost and one open", [undefined, false], "VoteLost"],
  ] as const)("%s", (_name, [first, second], result) => {
    const votes = { get: (id: number): boolean | undefined => (id === 1 ? first : second) };
    expect(jointVoteResult({ incoming: new Set([1]), outgoing: new Set([2]) }, votes)).toBe(result);
  });

  it("shows both halves, ascending, and only one outside a change", () => {
    expect(describeJointVoters({ incoming: new Set([3, 20, 1]), outgoing: new Set([2]) })).toBe("(1 3 20)&&(2)");
    expect(describeJointVoters({ incoming: new Set([2]), outgoing: new Set() })).toBe("(2)");
  });
});

/** All ways in which voters can decide: each minimal set that wins an election in the configuration. */
function quorums(config: Config): number[][] {
  const ids = [...new Set([...config.voters.incoming, ...config.voters.outgoing])];
  const all: number[][] = [];
  for (let mask = 1; mask < 2 ** ids.length; mask++) {
    const chosen = ids.filter((_, i) => (mask >> i) % 2 === 1);
    if (jointVoteResult(config.voters, new Map(chosen.map((id) => [id, true]))) === "VoteWon") all.push(chosen);
  }
  return all;
}

describe("quorum: changes of membership (M1, invariant 12)", () => {
  const type = fc.constantFrom<ConfChangeType>("ConfChangeAddNode", "ConfChangeAddLearnerNode", "ConfChangeRemoveNode");
  const step: fc.Arbitrary<ConfChangeSingle> = fc.record({ type, nodeId: fc.integer({ min: 1, max: 5 }) });
  const change = fc.record({
    kind: fc.constantFrom("simple", "enter", "leave"),
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  });

  it("lets any two quorums of consecutive configurations share a node", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const tracker = new ProgressTracker(4);
        const first = new Changer(tracker, 1).simple([{ type: "ConfChangeAddNode", nodeId: 1 }]);
        if (!first.ok) throw new Error(first.reason);
        Object.assign(tracker, { config: first.config, progress: first.progress });
        for (const { kind, steps } of changes) {
          const changer = new Changer(tracker, 1);
          const outcome: ChangeOutcome =
            kind === "simple"
              ? changer.simple(steps)
              : kind === "enter"
                ? changer.enterJoint(false, steps)
                : changer.leaveJoint();
          if (!outcome.ok) continue;
          accepted++;
          for (const before of quorums(tracker.config)) {
            for (const after of quorums(outcome.config)) expect(before.some((id) => after.includes(id))).toBe(true);
          }
          tracker.config = outcome.config;
          tracker.progress = outcome.progress;
        }
      }),
      { numRuns: 300 },
    );
    expect(accepted).toBeGreaterThan(200);
    expect(quorums(emptyConfig)).toEqual([]);
  });
});
