// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  appendCounterDelta,
  continuityReport,
  crash,
  type DurableSession,
  journalOnly,
  type PersistenceBackend,
  reconnect,
  restart,
  snapshotJournal,
  snapshotOnly,
  unsavedDeltas,
} from "../src/index.ts";
import { sessionS } from "./fixture.ts";

const appended = (session: DurableSession, count: number): DurableSession =>
  Array.from({ length: count }, (_, index) => index).reduce(
    (before, index) => appendCounterDelta(before, 1, 10 + index),
    session,
  );

const crashedAfter = (backend: PersistenceBackend, deltas: number, maxDataLossEvents: number): DurableSession =>
  crash(appended(sessionS({ backend, nowMs: 0, maxDataLossEvents }), deltas), "power");

describe("continuityReport (fencing-quorum-sessions.md 6.5)", () => {
  it.each<[string, PersistenceBackend, number, number, number, number, number, boolean]>([
    ["row 1", snapshotOnly("pg", 3), 0, 200, 0, 100, 0, true],
    ["row 2", snapshotOnly("pg", 3), 2, 200, 0, 100, 2, false],
    ["row 3", snapshotOnly("pg", 3), 2, 200, 2, 100, 2, true],
    ["row 4", snapshotOnly("pg", 3), 3, 200, 0, 100, 0, true],
    ["row 5", snapshotOnly("pg", 1), 5, 350, 0, 250, 0, true],
    ["row 6", journalOnly("pg"), 7, 200, 0, 100, 0, true],
    ["row 7", snapshotJournal("pg", "redis", 3), 2, 200, 0, 100, 0, true],
  ])("%s", (_row, backend, deltas, reconnectAt, maxLoss, latency, loss, met) => {
    expect(continuityReport(crashedAfter(backend, deltas, maxLoss), 100, reconnectAt)).toEqual({
      reconnectLatencyMs: latency,
      estimatedDataLossEvents: loss,
      met,
    });
  });

  it("is not met one millisecond after the budget", () => {
    expect(continuityReport(crashedAfter(snapshotOnly("pg", 1), 5, 0), 100, 351)).toMatchObject({
      reconnectLatencyMs: 251,
      met: false,
    });
  });

  it("takes a reconnect before the failover as no latency", () => {
    expect(continuityReport(crashedAfter(journalOnly("pg"), 0, 0), 200, 100).reconnectLatencyMs).toBe(0);
  });

  it("counts on over crash and restart, and from nothing after a reconnect", () => {
    const down = restart(crashedAfter(snapshotOnly("pg", 3), 2, 9), 150);
    expect(continuityReport(down, 100, 200).estimatedDataLossEvents).toBe(2);
    const back = reconnect(down, "resume", "/counter", 200);
    expect(continuityReport(back, 100, 200).estimatedDataLossEvents).toBe(0);
    expect(continuityReport(appended(back, 2), 100, 200).estimatedDataLossEvents).toBe(2);
  });

  it("loses what a store loses that keeps every n-th state", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.nat({ max: 40 }), (every, deltas) => {
        // The store: it is shown each state and keeps one in `every`.
        let kept = 0;
        for (let count = 1; count <= deltas; count += 1) if (count % every === 0) kept = count;
        const session = crashedAfter(snapshotOnly("pg", every), deltas, 0);
        expect(session.snapshot.counter - kept).toBe(continuityReport(session, 0, 0).estimatedDataLossEvents);
      }),
    );
  });

  it("never estimates more than one entry less than the interval", () => {
    const entries = Array.from({ length: 50 }, () => ({ kind: "counter_delta", delta: 1 }) as const);
    const losses = entries.map((_, count) => unsavedDeltas(snapshotOnly("pg", 4), entries.slice(0, count)));
    expect([Math.min(...losses), Math.max(...losses)]).toEqual([0, 3]);
  });
});
