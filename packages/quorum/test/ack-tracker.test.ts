// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AckTracker, type AckTrackerOptions, QuorumPolicy, type QuorumResult } from "../src/index.ts";
import { type TrackerEvent, type TrackerView, trackerModel } from "./tracker.model.ts";

const tracker = (n: number, w: number, ackTimeoutMs: number, options?: AckTrackerOptions): AckTracker =>
  new AckTracker(new QuorumPolicy({ n, w, ackTimeoutMs }), 0, options);
const ofMajority = (n: number, options?: AckTrackerOptions): AckTracker =>
  new AckTracker(QuorumPolicy.majority(n), 0, options);
const withLocal = (one: AckTracker): AckTracker => {
  one.recordLocal();
  return one;
};
const wordOf = (result: QuorumResult): unknown =>
  result.ok ? result.acks : (result.error.quorum?.reason ?? result.error.code);

describe("AckTracker", () => {
  it("A4 is met by the local copy and one of two peers", () => {
    const one = withLocal(ofMajority(3));
    expect(one.isQuorumMet(0)).toBe(false);
    one.recordPeerAck("p1");
    expect(one.isQuorumMet(0)).toBe(true);
  });

  it("A5 counts a peer once", () => {
    const one = withLocal(tracker(5, 3, 500));
    for (const id of ["p1", "p1", "p1"]) one.recordPeerAck(id);
    expect(one.isQuorumMet(0)).toBe(false);
    one.recordPeerAck("p2");
    expect(one.isQuorumMet(0)).toBe(true);
  });

  it("A6 is not met without the local copy", () => {
    const one = ofMajority(3);
    one.recordPeerAck("p1");
    one.recordPeerAck("p2");
    expect(one.isQuorumMet(0)).toBe(false);
  });

  it("A7 is unreachable when time is up and nobody answered", () => {
    const one = withLocal(tracker(3, 2, 1));
    expect(one.isQuorumMet(50)).toBe(false);
    const result = one.finalise(50);
    expect(!result.ok && result.error.quorum).toEqual({ got: 1, needed: 2, reason: "unreachable" });
  });

  it("A8 is a timeout when somebody answered", () => {
    const one = withLocal(tracker(5, 3, 1));
    one.recordPeerAck("p1");
    const result = one.finalise(50);
    expect(!result.ok && result.error.quorum).toEqual({ got: 2, needed: 3, reason: "timeout" });
  });

  it("A9 counts drifts and never as acknowledgements", () => {
    const one = withLocal(ofMajority(3));
    one.recordIdDrift("p1");
    one.recordIdDrift("p2");
    expect([one.idDriftCount, one.isQuorumMet(0)]).toEqual([2, false]);
  });

  it("A10 fails without the local copy, whoever else has one", () => {
    const one = ofMajority(3);
    one.recordPeerAck("p1");
    one.recordPeerAck("p2");
    const result = one.finalise(0);
    expect(!result.ok && result.error.message).toBe("local write failed: local commit not recorded before finalise");
  });

  it("A12 is met alone where one is enough", () => expect(withLocal(tracker(1, 1, 500)).isQuorumMet(0)).toBe(true));

  it("A13 is in flight while somebody may still answer", () => {
    const one = withLocal(tracker(5, 3, 10_000));
    one.recordPeerAck("p1");
    expect(wordOf(one.finalise(0))).toBe("in_flight");
  });

  it("A17 succeeds with two of three", () => {
    const one = withLocal(tracker(3, 2, 10_000));
    one.recordPeerAck("p1");
    expect(one.finalise(0)).toEqual({ ok: true, acks: 2 });
  });

  it("A18 has seen no drift at first", () => expect(ofMajority(3).idDriftCount).toBe(0));

  it("A19 is in flight with the local copy only", () => {
    const result = withLocal(tracker(3, 2, 60_000)).finalise(0);
    expect(!result.ok && result.error.quorum).toEqual({ got: 1, needed: 2, reason: "in_flight" });
  });

  it("B3 can be met at the deadline and not after it", () => {
    const one = withLocal(tracker(3, 2, 100));
    one.recordPeerAck("p1");
    expect([one.isQuorumMet(100), one.isQuorumMet(101)]).toEqual([true, false]);
  });

  it("B4 does not lose a met quorum because it is asked late", () => {
    const one = withLocal(tracker(3, 2, 100));
    one.recordPeerAck("p1");
    expect(one.finalise(101)).toEqual({ ok: true, acks: 2 });
  });

  it("B5 is in flight at the deadline and unreachable after it", () => {
    const one = withLocal(tracker(3, 2, 100));
    expect([wordOf(one.finalise(100)), wordOf(one.finalise(101))]).toEqual(["in_flight", "unreachable"]);
  });

  it("B6 is unreachable at once when all peers failed", () => {
    const one = withLocal(tracker(3, 2, 2_000));
    one.recordPeerFailure("p1");
    expect(wordOf(one.finalise(5))).toBe("in_flight");
    one.recordPeerFailure("p2");
    expect(wordOf(one.finalise(5))).toBe("unreachable");
  });

  it("B8 ignores who has no vote", () => {
    const one = withLocal(tracker(3, 3, 50, { members: ["p1", "p2"], localId: "me" }));
    for (const id of ["me", "x", "p1"]) one.recordPeerAck(id);
    expect([one.got, one.foreignAcks]).toEqual([2, 2]);
  });

  it("B10 needs no local copy when every copy is a peer", () => {
    const met = ofMajority(5, { localVote: "none" });
    for (const id of ["p1", "p2", "p3"]) met.recordPeerAck(id);
    expect(met.finalise(0)).toEqual({ ok: true, acks: 3 });
    const short = ofMajority(5, { localVote: "none" });
    for (const id of ["p1", "p2"]) short.recordPeerAck(id);
    expect([short.isQuorumMet(0), wordOf(short.finalise(0))]).toEqual([false, "in_flight"]);
  });

  it("counts a late answer as a sign of life only, with strictDeadline", () => {
    const one = withLocal(tracker(3, 2, 100, { strictDeadline: true }));
    one.recordPeerAck("p1", 101);
    expect([one.got, one.lateAcks, wordOf(one.finalise(101))]).toEqual([1, 1, "timeout"]);
    one.recordPeerAck("p2", 100);
    expect(one.finalise(101)).toEqual({ ok: true, acks: 2 });
  });

  it("does not guess when an answer came, with strictDeadline", () => {
    const one = tracker(3, 2, 100, { strictDeadline: true });
    expect(() => one.recordPeerAck("p1")).toThrow(TypeError);
    one.recordPeerAck("p1", Number.NaN);
    expect(one.got).toBe(0);
  });

  it("is out of time when it is told so, whatever the clock says", () => {
    const one = withLocal(tracker(3, 2, 100));
    one.expire();
    expect(wordOf(one.finalise(99.5))).toBe("unreachable");
  });

  it("hands out sets that nobody can change from outside", () => {
    const one = withLocal(ofMajority(3));
    (one.ackedPeerIds as Set<string>).add("p1");
    expect(one.got).toBe(1);
  });

  it("agrees with a model that reads every rule off the whole history", () => {
    const id = fc.constantFrom("p1", "p2", "p3", "p4", "me", "x");
    const at = fc.integer({ min: 0, max: 20 });
    const event: fc.Arbitrary<TrackerEvent> = fc.oneof(
      fc.record({ kind: fc.constant("local" as const) }),
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("ack" as const), id, at }) },
      fc.record({ kind: fc.constant("drift" as const), id }),
      fc.record({ kind: fc.constant("failure" as const), id }),
    );
    const rare = fc.oneof({ weight: 30, arbitrary: event }, fc.constant<TrackerEvent>({ kind: "expire" }));
    const options = fc.record(
      {
        localVote: fc.constantFrom("required" as const, "none" as const),
        members: fc.constantFrom(["p1", "p2"], ["p1", "p2", "p3", "p4"]),
        localId: fc.constant("me"),
        strictDeadline: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const numbers = fc.record({ n: fc.integer({ min: 1, max: 5 }), w: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(numbers, options, fc.array(rare, { maxLength: 14 }), at, ({ n, w }, chosen, events, now) => {
        const policy = new QuorumPolicy({ n, w, ackTimeoutMs: 10 });
        const one = new AckTracker(policy, 0, chosen);
        for (const [index, told] of events.entries()) {
          tell(one, told);
          expect(viewOf(one, now)).toEqual(trackerModel(policy, 0, chosen, events.slice(0, index + 1), now));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function tell(one: AckTracker, event: TrackerEvent): void {
  switch (event.kind) {
    case "local":
      one.recordLocal();
      break;
    case "ack":
      one.recordPeerAck(event.id, event.at);
      break;
    case "drift":
      one.recordIdDrift(event.id);
      break;
    case "failure":
      one.recordPeerFailure(event.id);
      break;
    case "expire":
      one.expire();
      break;
    default:
      event satisfies never;
  }
}

function viewOf(one: AckTracker, now: number): TrackerView {
  return {
    got: one.got,
    foreign: one.foreignAcks,
    late: one.lateAcks,
    drifts: one.idDriftCount,
    isMet: one.isQuorumMet(now),
    isTerminal: one.isTerminal(now),
    verdict: wordOf(one.finalise(now)) as TrackerView["verdict"],
  };
}
