// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { AckTracker, type AckTrackerOptions, majority, QuorumPolicy, type QuorumResult } from "../src/index.ts";
import {
  AnybodyVotes,
  CountsLateAnswers,
  DriftVotes,
  halfMajority,
  TrustsTheClock,
  trustingLoad,
  WaitsForTheFailed,
} from "./mutants/original-quorum.ts";

type Tracker = new (policy: QuorumPolicy, now: number, options?: AckTrackerOptions) => AckTracker;

function started(make: Tracker, n: number, w: number, options?: AckTrackerOptions): AckTracker {
  const one = new make(new QuorumPolicy({ n, w, ackTimeoutMs: 100 }), 0, options);
  one.recordLocal();
  return one;
}
const wordOf = (result: QuorumResult): unknown => (result.ok ? "met" : result.error.quorum?.reason);

describe("Q1 two majorities always overlap", () => {
  const sizes = [1, 2, 3, 4, 5, 6, 7, 8];
  it("because a majority is more than half", () => {
    for (const n of sizes) expect(2 * majority(n)).toBeGreaterThan(n);
  });

  it("which the original's is for no even n", () => {
    expect(sizes.filter((n) => 2 * halfMajority(n) <= n)).toEqual([2, 4, 6, 8]);
  });
});

describe("Q2 only members vote", () => {
  const foreigners = (make: Tracker): unknown => {
    const one = started(make, 3, 2, { members: ["p1", "p2"], localId: "me" });
    for (const id of ["me", "stranger"]) one.recordPeerAck(id);
    return wordOf(one.finalise(101));
  };
  it("so the node itself and strangers make no quorum", () => expect(foreigners(AckTracker)).toBe("unreachable"));
  it("while in the original they do", () => expect(foreigners(AnybodyVotes)).toBe("met"));
});

describe("Q3 nothing is in flight when all have failed", () => {
  const failed = (make: Tracker): unknown => {
    const one = started(make, 3, 2);
    for (const id of ["p1", "p2"]) one.recordPeerFailure(id);
    return [one.isTerminal(5), wordOf(one.finalise(5))];
  };
  it("so the writer fails at once", () => expect(failed(AckTracker)).toEqual([true, "unreachable"]));
  it("while the original waits for nobody", () => expect(failed(WaitsForTheFailed)).toEqual([false, "in_flight"]));
});

describe("Q4 a lease does not count late answers", () => {
  const late = (make: Tracker, strictDeadline: boolean): unknown => {
    const one = started(make, 3, 2, { strictDeadline });
    one.recordPeerAck("p1", 101);
    return wordOf(one.finalise(102));
  };
  it("with strictDeadline", () => expect(late(AckTracker, true)).toBe("timeout"));
  it("while by default, as in the original, it does", () => {
    expect([late(AckTracker, false), late(CountsLateAnswers, true)]).toEqual(["met", "met"]);
  });
});

describe("Q5 a drifted peer has no vote and is a reason", () => {
  const drifted = (make: Tracker, order: "ack first" | "drift first"): unknown => {
    const one = started(make, 3, 2);
    if (order === "ack first") one.recordPeerAck("p1");
    one.recordIdDrift("p1");
    one.recordIdDrift("p1");
    if (order === "drift first") one.recordPeerAck("p1");
    return [wordOf(one.finalise(101)), one.idDriftCount, one.driftedPeers.size];
  };
  it.each(["ack first", "drift first"] as const)("whichever came first: %s", (order) => {
    expect(drifted(AckTracker, order)).toEqual(["id_drift", 2, 1]);
  });
  it("while the original counts it", () => expect(drifted(DriftVotes, "ack first")).toEqual(["met", 2, 1]));

  it("only where the drifted would have made the quorum", () => {
    const one = started(AckTracker, 5, 4);
    one.recordPeerAck("p1");
    one.recordIdDrift("p2");
    expect([wordOf(one.finalise(100)), wordOf(one.finalise(101))]).toEqual(["in_flight", "timeout"]);
  });
});

describe("Q6 what is loaded is checked", () => {
  it("so a stored w cannot exceed n", () => expect(QuorumPolicy.fromJson({ n: 3, w: 9 }).w).toBe(3));
  it("which the original loads as it stands", () => expect(trustingLoad({ n: 3, w: 9 }).w).toBe(9));
});

describe("Q7 a timer that fires early is no answer", () => {
  const early = (make: Tracker): unknown => {
    const one = started(make, 3, 2);
    one.expire();
    return wordOf(one.finalise(99.4));
  };
  it("so the time is up when the writer says so", () => expect(early(AckTracker)).toBe("unreachable"));
  it("while one that asks the clock reports what is not in flight any more", () => {
    expect(early(TrustsTheClock)).toBe("in_flight");
  });
});
