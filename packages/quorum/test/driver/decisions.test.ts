// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type DriverCapabilities, type LeaderState } from "@tsoracle/consensus";
import { epoch, peerEndpoint } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Candidacy, mayJoin } from "../../src/driver/candidacy.ts";
import { agreedLeader, shouldYield } from "../../src/driver/hint.ts";
import type { MemberReading } from "../../src/driver/life.ts";
import { type MemberAnswer, PersistCount } from "../../src/driver/persist-count.ts";
import { settledRead } from "../../src/driver/settled-read.ts";
import { quorumCapabilities } from "../../src/driver.ts";
import { QuorumPolicy } from "../../src/index.ts";

const refused: MemberAnswer = { kind: "refused", message: "over" };
const failed = (code: "transient" | "uncertain" | "permanent"): MemberAnswer => ({
  kind: "failed",
  error: new ConsensusError(code, "no"),
});
const ack = (highWater: number): MemberAnswer => ({ kind: "ack", highWater });

function count(n: number, ...answers: readonly MemberAnswer[]): PersistCount {
  const members = Array.from({ length: n }, (_, index) => `m${index}`);
  const counted = new PersistCount(QuorumPolicy.majority(n), members);
  for (const [index, answer] of answers.entries()) counted.record(`m${index}`, answer);
  return counted;
}

function codeOf(counted: PersistCount): string | undefined {
  const verdict = counted.verdict();
  return verdict?.kind === "refused" ? verdict.error.code : verdict?.kind;
}

describe("PersistCount", () => {
  it("resolves to the W-th largest acknowledgement, not to the largest", () => {
    expect(count(3, ack(900), ack(200)).verdict()).toEqual({ kind: "met", highWater: 200 });
  });

  it("is fenced only when so many refused that W cannot be had any more", () => {
    expect(codeOf(count(3, refused))).toBeUndefined();
    expect(codeOf(count(3, refused, ack(1), failed("transient")))).toBe("uncertain");
    expect(codeOf(count(3, refused, refused))).toBe("fenced");
    expect(codeOf(count(5, refused, refused, failed("transient"), failed("transient"), failed("transient")))).toBe(
      "transient",
    );
  });

  it("does not take a member that the reign does not lead for one that refused it", () => {
    expect(codeOf(count(3, refused, { kind: "outside" }, failed("transient")))).toBe("transient");
  });

  it("calls the outcome unknown if some member may have the write", () => {
    expect(codeOf(count(3, ack(1), failed("transient"), failed("transient")))).toBe("uncertain");
    expect(codeOf(count(3, failed("transient"), failed("uncertain"), failed("transient")))).toBe("uncertain");
    expect(codeOf(count(3, failed("transient"), failed("transient"), failed("transient")))).toBe("transient");
    const silent = count(3, failed("transient"), failed("transient"));
    expect(codeOf(silent)).toBeUndefined();
    silent.expire();
    expect(codeOf(silent)).toBe("uncertain");
  });

  it("is permanent when a person is needed for every quorum there could be", () => {
    expect(codeOf(count(3, failed("permanent")))).toBeUndefined();
    expect(codeOf(count(3, failed("permanent"), failed("permanent")))).toBe("permanent");
  });

  it("counts the first answer of each member, and of nobody else", () => {
    const counted = count(3, ack(1));
    counted.record("m0", ack(9));
    counted.record("stranger", ack(9));
    expect(counted.verdict()).toBeUndefined();
  });
});

describe("Candidacy", () => {
  const reading = (ballot: bigint, highWater = 0): MemberReading => ({
    life: 1n,
    stage: "admitted",
    ballot,
    highWater,
  });
  const empty: MemberReading = { life: 2n, stage: "empty", ballot: 0n, highWater: 0 };

  it("mints above all that W members show and above its own, and counts only those W", () => {
    const candidacy = new Candidacy({ led: ["a", "b", "c"], needed: 2, newest: 7n });
    candidacy.recordReading("a", reading(3n, 50));
    expect(candidacy.minted).toBeUndefined();
    candidacy.recordReading("b", reading(9n, 20));
    candidacy.recordReading("c", reading(99n, 99));
    expect(candidacy.minted).toEqual({ ballot: 10n, members: ["a", "b"] });
    expect(candidacy.highWater).toBe(50);
    candidacy.recordWritten("c");
    candidacy.recordWritten("a");
    expect(candidacy.outcome).toBe("open");
    candidacy.recordWritten("b");
    candidacy.recordHeld("a", 40);
    expect(candidacy.outcome).toBe("open");
    candidacy.recordHeld("b", 70);
    expect([candidacy.outcome, candidacy.highWater]).toEqual(["won", 70]);
  });

  it("counts no look at a ballot before W members have taken it, and is lost if one has lost it since", () => {
    const candidacy = new Candidacy({ led: ["a", "b"], needed: 2, newest: 0n });
    for (const member of ["a", "b"]) candidacy.recordReading(member, reading(1n));
    candidacy.recordWritten("a");
    candidacy.recordHeld("a", 0);
    candidacy.recordWritten("b");
    candidacy.recordHeld("b", 0);
    expect(candidacy.outcome).toBe("open");
    candidacy.recordFailure("a");
    expect(candidacy.outcome).toBe("lost");
  });

  it("gives no vote to a member that is empty", () => {
    const candidacy = new Candidacy({ led: ["a", "b", "c"], needed: 2, newest: 0n });
    candidacy.recordReading("a", empty);
    candidacy.recordReading("b", reading(3n, 50));
    expect(candidacy.minted).toBeUndefined();
    candidacy.recordReading("c", { ...empty, stage: "begun" });
    expect(candidacy.outcome).toBe("lost");
  });

  it("mints a first ballot only in the lives in which all members were seen to be admitted", () => {
    const outcomeWith = (begun: ReadonlyMap<string, bigint> | undefined): string => {
      const candidacy = new Candidacy({ led: ["a", "b"], needed: 2, newest: 0n, begun });
      for (const member of ["a", "b"]) candidacy.recordReading(member, reading(0n));
      return candidacy.outcome;
    };
    const lives = (a: bigint, b: bigint) => new Map(Object.entries({ a, b, c: 1n }));
    expect([outcomeWith(undefined), outcomeWith(lives(1n, 2n)), outcomeWith(lives(1n, 1n))]).toEqual([
      "lost",
      "lost",
      "open",
    ]);
  });

  it("never mints what it minted before, although the members did not take it", () => {
    const candidacy = new Candidacy({ led: ["a"], needed: 1, newest: 7n, begun: new Map([["a", 1n]]) });
    candidacy.recordReading("a", reading(0n));
    expect(candidacy.minted?.ballot).toBe(8n);
  });

  it("is lost as soon as W cannot be had any more", () => {
    const early = new Candidacy({ led: ["a", "b"], needed: 2, newest: 0n });
    early.recordFailure("b");
    expect(early.outcome).toBe("lost");
    const late = new Candidacy({ led: ["a", "b", "c"], needed: 2, newest: 0n });
    late.recordReading("a", reading(1n));
    late.recordReading("b", reading(1n));
    late.recordFailure("b");
    // The third was not read before the ballot was minted, so it cannot replace the second.
    late.recordWritten("a");
    expect(late.outcome).toBe("lost");
  });

  it("lets a reign join no member that shows a newer ballot", () => {
    expect([mayJoin(4n, 3n), mayJoin(4n, 4n), mayJoin(4n, 5n)]).toEqual([true, true, false]);
  });
});

describe("settledRead", () => {
  it("is what W members hold, once no unheard member could make it larger", () => {
    expect(settledRead([5], 3, 2)).toBeUndefined();
    expect(settledRead([5, 5], 3, 2)).toBe(5);
    expect(settledRead([9, 5], 3, 2)).toBeUndefined();
    expect(settledRead([9, 5, 5], 3, 2)).toBe(5);
    expect(settledRead([7], 1, 1)).toBe(7);
    expect(settledRead([4, 4, 9], 5, 3)).toBeUndefined();
  });
});

describe("hints of the members", () => {
  const [x, y] = [peerEndpoint("x.example:1"), peerEndpoint("y.example:1")];
  const follows = (leaderEndpoint: typeof x): LeaderState => ({ role: "follower", leaderEndpoint });
  const leads: LeaderState = { role: "leader", epoch: epoch(1n) };
  const unknown: LeaderState = { role: "unknown" };

  it("name a leader only if W agree", () => {
    expect(agreedLeader([follows(x), follows(x), unknown], 2)).toBe(x);
    expect(agreedLeader([follows(x), follows(y), unknown], 2)).toBeUndefined();
    expect(agreedLeader([leads, follows(y), unknown], 2)).toBeUndefined();
  });

  it("make a node yield to one that leads more, or as many under a smaller name", () => {
    expect(shouldYield([leads, follows(y), follows(y)], x)).toBe(true);
    expect(shouldYield([leads, follows(y), unknown], x)).toBe(false);
    expect(shouldYield([leads, follows(x), unknown], y)).toBe(true);
    expect(shouldYield([leads, follows(x), unknown], undefined)).toBe(false);
    expect(shouldYield([follows(x), follows(x), unknown], y)).toBe(false);
  });
});

describe("quorumCapabilities", () => {
  const postgres: DriverCapabilities = {
    durability: "fsync",
    topology: "cluster",
    realTimeOrder: "lease",
    sequences: true,
    leases: true,
    membership: false,
  };
  const file: DriverCapabilities = { ...postgres, topology: "single", realTimeOrder: "exclusive" };
  const memory: DriverCapabilities = { ...postgres, durability: "asynchronous" };

  it("is replicated over three stores that stand apart, and on one machine no more than fsync", () => {
    expect(quorumCapabilities([postgres, postgres, postgres]).durability).toBe("replicated");
    expect(quorumCapabilities([postgres, postgres]).durability).toBe("fsync");
    expect(quorumCapabilities([file, file, file])).toMatchObject({
      durability: "fsync",
      topology: "single",
      realTimeOrder: "exclusive",
    });
  });

  it("promises nothing that its weakest member does not", () => {
    expect(quorumCapabilities([postgres, postgres, memory]).durability).toBe("asynchronous");
    expect(quorumCapabilities([postgres, postgres, file])).toMatchObject({
      topology: "single",
      realTimeOrder: "lease",
    });
    const order = (realTimeOrder: DriverCapabilities["realTimeOrder"]): DriverCapabilities => ({
      ...postgres,
      realTimeOrder,
    });
    expect(quorumCapabilities([postgres, order("confirm"), file]).realTimeOrder).toBe("confirm");
    expect(quorumCapabilities([postgres, order("confirm"), order("none")]).realTimeOrder).toBe("none");
  });
});
