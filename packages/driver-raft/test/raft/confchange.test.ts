// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConfChangeSingle, type ConfChangeType, confChangesFromString } from "../../src/raft/conf-change.ts";
import { type ChangeOutcome, Changer, type Configured } from "../../src/raft/confchange/changer.ts";
import { brokenInvariant } from "../../src/raft/confchange/invariants.ts";
import { restore } from "../../src/raft/confchange/restore.ts";
import { type Config, confStateOf, describeConfig, emptyConfig } from "../../src/raft/tracker/config.ts";
import { newProgress, type ProgressMap } from "../../src/raft/tracker/progress.ts";
import { ProgressTracker } from "../../src/raft/tracker/progress-tracker.ts";
import { type ConfState, emptyConfState } from "../../src/raft/types.ts";

const limits = { maxInflight: 4, maxInflightBytes: 0 };
const nobody: Configured = { config: emptyConfig, progress: new Map() };

function done(outcome: ChangeOutcome): Configured {
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome;
}

function changer(from: Configured, lastIndex: number = 10): Changer {
  return new Changer({ ...from, ...limits }, lastIndex);
}

function of(state: Partial<ConfState>): Configured {
  return done(restore({ ...nobody, ...limits }, 10, { ...emptyConfState, ...state }));
}

function reason(outcome: ChangeOutcome): string | undefined {
  return outcome.ok ? undefined : outcome.reason;
}

const steps = confChangesFromString;

describe("membership: one step at a time (M1)", () => {
  it("refuses more than one change of voters, and any amount of learners is fine", () => {
    const now = of({ voters: [1, 2, 3] });
    const refusal = "more than one voter changed without entering joint config";
    expect(reason(changer(now).simple(steps("v4 v5")))).toBe(refusal);
    expect(reason(changer(now).simple(steps("v4 r1")))).toBe(refusal);
    expect(reason(changer(now).simple(steps("r1 l2")))).toBe(refusal);
    expect(describeConfig(done(changer(now).simple(steps("l7 l8 v4"))).config)).toBe("voters=(1 2 3 4) learners=(7 8)");
  });

  it("never leaves a cluster without voters (M5)", () => {
    const now = of({ voters: [1], learners: [2] });
    expect(reason(changer(now).simple(steps("r1")))).toBe("removed all voters");
    expect(reason(changer(now).simple(steps("l1")))).toBe("removed all voters");
    expect(reason(changer(now).enterJoint(false, steps("r1")))).toBe("removed all voters");
  });

  it("applies a step that was blanked as nothing", () => {
    const now = of({ voters: [1] });
    expect(describeConfig(done(changer(now).simple(steps("v0 l0 r0"))).config)).toBe("voters=(1)");
    expect([...done(changer(now).simple(steps("v0 l0"))).progress.keys()]).toEqual([1]);
  });

  it("takes nothing simple while joint", () => {
    const now = of({ voters: [1, 2], votersOutgoing: [1] });
    expect(reason(changer(now).simple(steps("v3")))).toBe("can't apply simple config change in joint config");
  });

  it("keeps what is known of a node that changes its role, and probes a new one from the leader's end", () => {
    const now = of({ voters: [1, 2], learners: [3] });
    const known = now.progress.get(3);
    known?.maybeUpdate(8);
    const { progress } = done(changer(now, 20).simple(steps("v3 l4")));
    expect([progress.get(3)?.match, progress.get(3)?.isLearner]).toEqual([8, false]);
    expect(String(progress.get(4))).toBe("StateProbe match=0 next=20 learner");
    expect(known?.isLearner).toBe(true);
  });

  it("gives each new node a window of the tracker's size", () => {
    const tracker = new ProgressTracker(1, 0);
    const { progress } = done(new Changer(tracker, 0).simple(steps("v1")));
    const inflights = progress.get(1)?.inflights;
    inflights?.add(1, 1);
    expect(inflights?.full()).toBe(true);
  });
});

describe("membership: joint configurations (M1)", () => {
  it("keeps today's voters as the outgoing half until it is left", () => {
    const joint = done(changer(of({ voters: [1, 2, 3] })).enterJoint(true, steps("r1 v4 v5 l3")));
    expect(describeConfig(joint.config)).toBe("voters=(2 4 5)&&(1 2 3) learners_next=(3) autoleave");
    expect(joint.progress.get(3)?.isLearner).toBe(false);
    const left = done(changer(joint).leaveJoint());
    expect(describeConfig(left.config)).toBe("voters=(2 4 5) learners=(3)");
    expect([...left.progress.keys()].sort()).toEqual([2, 3, 4, 5]);
    expect(left.progress.get(3)?.isLearner).toBe(true);
  });

  it("is entered once, left once, and not at all without voters", () => {
    const joint = of({ voters: [1, 2], votersOutgoing: [1] });
    expect(reason(changer(joint).enterJoint(false, steps("v3")))).toBe("config is already joint");
    expect(reason(changer(of({ voters: [1] })).leaveJoint())).toBe("can't leave a non-joint config");
    expect(reason(changer(nobody).enterJoint(false, steps("v1")))).toBe("can't make a zero-voter config joint");
  });

  it("ends where the same steps one by one would end", () => {
    const kinds: ConfChangeType[] = [
      "ConfChangeAddNode",
      "ConfChangeAddLearnerNode",
      "ConfChangeRemoveNode",
      "ConfChangeUpdateNode",
    ];
    const step = fc.record({ type: fc.constantFrom(...kinds), nodeId: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 10 }), (changes: ConfChangeSingle[]) => {
        // The founder cannot be changed, so that no single step can remove the last voter.
        const founder = of({ voters: [7] });
        const joint = done(changer(founder).enterJoint(false, changes));
        const left = done(changer(joint).leaveJoint());
        let single = founder;
        for (const change of changes) single = done(changer(single).simple([change]));
        expect(describeConfig(left.config)).toBe(describeConfig(single.config));
        expect([...left.progress.keys()].sort()).toEqual([...single.progress.keys()].sort());
      }),
    );
  });
});

describe("membership: restored from a snapshot (E11, M1)", () => {
  it("is what it was, for every configuration that changes can lead to", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(ids, ids, ids, fc.boolean(), fc.boolean(), (first, second, learners, joint, autoLeave) => {
        const step = (type: ConfChangeType) => (nodeId: number) => ({ type, nodeId });
        let now = of({ voters: first });
        if (joint) {
          const changes = [
            ...learners.map(step("ConfChangeAddLearnerNode")),
            ...second.map(step("ConfChangeAddNode")),
            ...first.filter((id) => !second.includes(id)).map(step("ConfChangeRemoveNode")),
            ...learners.filter((id) => !second.includes(id)).map(step("ConfChangeAddLearnerNode")),
          ];
          now = done(changer(now).enterJoint(autoLeave, changes));
        }
        const state = confStateOf(now.config);
        expect(confStateOf(of(state).config)).toEqual(state);
      }),
    );
  });

  it("refuses what no changes could have led to", () => {
    const outcome = restore({ ...nobody, ...limits }, 1, { ...emptyConfState, learners: [1] });
    expect(reason(outcome)).toBe("removed all voters");
  });
});

describe("membership: invariants (M1)", () => {
  const progressOf = (voters: number[], learners: number[] = []): ProgressMap =>
    new Map([...voters, ...learners].map((id) => [id, newProgress(limits, 0, 1, learners.includes(id))]));
  const config = (
    fields: Partial<{ in: number[]; out: number[]; l: number[]; next: number[]; auto: boolean }>,
  ): Config => ({
    voters: { incoming: new Set(fields.in ?? [1]), outgoing: new Set(fields.out ?? []) },
    learners: new Set(fields.l ?? []),
    learnersNext: new Set(fields.next ?? []),
    autoLeave: fields.auto ?? false,
  });

  it.each([
    ["no progress for 2", config({ in: [1, 2] }), progressOf([1])],
    ["2 is in LearnersNext, but not Voters[1]", config({ next: [2] }), progressOf([1, 2])],
    ["2 is in LearnersNext, but is already marked as learner", config({ out: [2], next: [2] }), progressOf([1], [2])],
    ["2 is in Learners and Voters[1]", config({ out: [2], l: [2] }), progressOf([1, 2])],
    ["1 is in Learners and Voters[0]", config({ l: [1] }), progressOf([], [1])],
    ["2 is in Learners, but is not marked as learner", config({ l: [2] }), progressOf([1, 2])],
    ["AutoLeave must be false when not joint", config({ auto: true }), progressOf([1])],
  ])("reports: %s", (text, broken, progress) => {
    expect(brokenInvariant(broken, progress)).toBe(text);
    expect(reason(changer({ config: broken, progress }).simple(steps("v1")))).toBe(text);
  });

  it("holds for the empty configuration, with which a node begins", () => {
    expect(brokenInvariant(emptyConfig, new Map())).toBeUndefined();
  });
});
