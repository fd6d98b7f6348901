// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { History } from "../src/history.ts";
import type { CallResult, RecordedCall } from "../src/recorded-call.ts";

const answer = (first: bigint, count = 1, epoch = 1n): CallResult => ({ kind: "answer", first, count, epoch });
const refusal = (code: string, issuedNothing = false): CallResult => ({ kind: "error", code, issuedNothing });

const call = (begin: number, result: CallResult, more: Partial<RecordedCall> = {}): RecordedCall => {
  return { client: "a", begin, end: begin + 5, pinnedTo: undefined, result, ...more };
};

/** One caller with as many answers, each above the one before. */
function filled(history: History, answers: number): History {
  for (let index = 0; index < answers; index += 1) history.add(call(index * 10, answer(BigInt(index))));
  return history;
}

describe("history", () => {
  it("judges what was recorded, across callers", () => {
    const history = new History();
    history.add(call(0, answer(10n, 3)));
    history.add(call(20, answer(11n), { client: "b", pinnedTo: 1 }));
    const report = history.judge();
    expect([report.duplicates.count, report.realTimeOrder.count]).toEqual([1, 1]);
    expect([history.answered, history.issued]).toEqual([2, 4]);
  });

  it("counts errors by who met them, and takes none for an answer", () => {
    const history = new History();
    history.add(call(0, refusal("transport")));
    history.add(call(10, refusal("transport")));
    history.add(call(20, refusal("FAILED_PRECONDITION", true), { client: "b", pinnedTo: 0 }));
    expect([...history.errors]).toEqual([
      ["client: transport", 2],
      ["one server: FAILED_PRECONDITION", 1],
    ]);
    expect(history.judge().calls).toMatchObject({ ok: 0, unknown: 2, failed: 1 });
    expect([history.ends, history.newestPinned]).toEqual([[], undefined]);
  });

  it("tells the leader by the youngest call that was answered directly, whatever order the reports come in", () => {
    const history = new History();
    history.add(call(100, answer(2n), { client: "b", pinnedTo: 2 }));
    history.add(call(50, answer(1n), { client: "c", pinnedTo: 1, end: 400 }));
    history.add(call(200, answer(3n)));
    history.add(call(300, refusal("UNAVAILABLE"), { client: "d", pinnedTo: 0 }));
    expect(history.newestPinned).toMatchObject({ server: 2, begin: 100, end: 105 });
  });

  it("does not take an old leader that still answers for the leader", () => {
    const history = new History();
    history.add(call(100, answer(20n, 1, 6n), { client: "b", pinnedTo: 2 }));
    history.add(call(200, answer(10n, 1, 5n), { client: "c", pinnedTo: 1 }));
    expect(history.newestPinned).toMatchObject({ server: 2, begin: 100 });
  });

  it("knows when another server began to answer, and takes no later answer and no own one for that", () => {
    const history = new History();
    history.add(call(10, answer(1n, 1, 5n), { client: "b", pinnedTo: 1 }));
    history.add(call(120, answer(3n, 1, 6n), { client: "c", pinnedTo: 2 }));
    history.add(call(100, answer(2n, 1, 6n), { client: "d", pinnedTo: 2 }));
    expect(history.overtaken(1, 50, 110)).toBe(true);
    expect(history.overtaken(1, 50, 105)).toBe(false);
    expect(history.overtaken(1, 110, 200)).toBe(false);
    expect(history.overtaken(2, 50, 110)).toBe(false);
  });

  it("counts the calls that a server had not answered at an instant, whatever came of them", () => {
    const history = new History();
    const ms = 1_000_000;
    const at = 100 * ms;
    const asked = (client: string, begin: number, end: number, pinnedTo?: number) =>
      history.add({ client, begin, end, pinnedTo, result: client === "a" ? answer(1n) : refusal("UNAVAILABLE") });
    asked("a", 20 * ms, 101 * ms, 1);
    asked("b", 90 * ms, 160 * ms, 1);
    asked("answered before", 20 * ms, 99 * ms, 1);
    asked("asked after", 101 * ms, 180 * ms, 1);
    asked("another server", 20 * ms, 101 * ms, 2);
    asked("a client", 20 * ms, 101 * ms);
    expect([history.outstanding(1, at), history.outstanding(2, at), history.outstanding(0, at)]).toEqual([2, 1, 0]);
  });

  it("keeps apart when clients were answered and when anybody was", () => {
    const history = new History();
    history.add(call(0, answer(1n)));
    history.add(call(10, answer(2n), { client: "b", pinnedTo: 0 }));
    expect([history.ends, history.ordinaryEnds]).toEqual([[5, 15], [5]]);
  });

  it("corrupts exactly one answer for the control, and none otherwise", () => {
    expect(filled(new History(), 300).judge().violations).toBe(0);
    const report = filled(new History({ corrupt: true }), 300).judge();
    expect([report.duplicates.count, report.clientOrder.count, report.realTimeOrder.count]).toEqual([1, 1, 1]);
    expect(report.calls.ok).toBe(300);
  });
});
