// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  type Call,
  checkHistory,
  checkMonotone,
  checkRealTimeOrder,
  checkUnique,
  HistoryChecker,
  HistoryError,
  okFromTimestamps,
  toJson,
} from "../../src/checker/index.ts";
import { ok } from "./histories.ts";

const CLEAN = { count: 0, worst: null, kept: [] };

describe("checkUnique", () => {
  it("names the two calls that share timestamps, and which ones they share", () => {
    const lower = ok("a", [0, 9], 10, { count: 5 });
    const upper = ok("b", [0, 9], 13, { count: 5 });
    const violation = { kind: "duplicate", lower, upper, first: 13n, count: 2n };
    expect(checkUnique([upper, lower])).toEqual({
      duplicates: { count: 1, worst: violation, kept: [violation] },
      duplicatedTimestamps: 2n,
    });
  });

  it("accepts ranges that touch and refuses ranges that share one value", () => {
    const batch = ok("a", [0, 9], 10, { count: 5 });
    expect(checkUnique([batch, ok("b", [0, 9], 15)]).duplicates).toEqual(CLEAN);
    expect(checkUnique([batch, ok("b", [0, 9], 14)]).duplicates.count).toBe(1);
  });

  it("sees a small range inside a large one although others lie between their starts", () => {
    const wide = ok("a", [0, 9], 0, { count: 100 });
    const calls = [wide, ok("b", [0, 9], 10), ok("c", [0, 9], 50, { count: 3 })];
    const { duplicates, duplicatedTimestamps } = checkUnique(calls);
    expect(duplicates.count).toBe(2);
    expect(duplicates.kept).toMatchObject([{ lower: wide }, { lower: wide }]);
    expect(duplicates.worst).toMatchObject({ upper: calls[2], count: 3n });
    expect(duplicatedTimestamps).toBe(4n);
  });
});

describe("checkMonotone", () => {
  it("names the client's call that went back and the highest one before it", () => {
    const calls = [ok("a", [0, 1], 50), ok("a", [1, 2], 40), ok("a", [2, 3], 45), ok("b", [0, 3], 1)];
    const { clientOrder } = checkMonotone(calls);
    const first = { kind: "client_order", before: calls[0], after: calls[1], behind: 10n };
    const second = { kind: "client_order", before: calls[0], after: calls[2], behind: 5n };
    expect(clientOrder).toEqual({ count: 2, worst: first, kept: [first, second] });
  });

  it("orders a client's calls that share an instant, which real-time order does not", () => {
    const calls = [ok("a", [5, 5], 50), ok("a", [5, 5], 40)];
    expect(checkMonotone(calls).clientOrder.count).toBe(1);
    expect(checkRealTimeOrder(calls).realTimeOrder.count).toBe(0);
  });

  it("names calls of a lower epoch that reach into a higher one, whenever they were made", () => {
    const high = ok("a", [0, 1], 30, { epoch: 7n });
    const low = ok("b", [5, 6], 28, { count: 4, epoch: 3n });
    const violation = { kind: "epoch_order", before: low, after: high, behind: 1n };
    expect(checkMonotone([high, low]).epochOrder).toEqual({ count: 1, worst: violation, kept: [violation] });
    expect(checkMonotone([high, ok("b", [5, 6], 28, { count: 2, epoch: 3n })]).epochOrder).toEqual(CLEAN);
  });

  it("names a batch that is not in order and the place where it breaks", () => {
    const broken: Call = { client: "a", begin: 0, end: 1, outcome: okFromTimestamps([5n, 7n, 6n, 8n], 1n) };
    const violation = { kind: "batch_order", call: broken, at: 1 };
    expect(checkMonotone([broken]).batchOrder).toEqual({ count: 1, worst: violation, kept: [violation] });
  });

  it("names a batch that runs over its millisecond", () => {
    const full = ok("a", [0, 1], 0, { count: 2 ** 18 });
    const over = ok("b", [0, 1], 2 ** 19 - 3, { count: 4 });
    expect(checkMonotone([full, over]).batchOrder.kept).toEqual([{ kind: "batch_order", call: over, at: 3 }]);
  });
});

describe("checkRealTimeOrder", () => {
  it("names the stale call and the highest one that had ended before it began", () => {
    const ended = ok("a", [0, 1], 20, { count: 3 });
    const stale = ok("c", [4, 5], 21);
    const calls = [ok("b", [0, 2], 10), ended, stale, ok("d", [3, 9], 90)];
    const violation = { kind: "real_time_order", before: ended, after: stale, behind: 1n };
    expect(checkRealTimeOrder(calls).realTimeOrder).toEqual({ count: 1, worst: violation, kept: [violation] });
  });

  it("lets calls that touch overlap, and orders them one tick apart", () => {
    const late = ok("b", [5, 6], 10);
    expect(checkRealTimeOrder([ok("a", [0, 5], 11), late]).realTimeOrder).toEqual(CLEAN);
    expect(checkRealTimeOrder([ok("a", [0, 4], 11), late]).realTimeOrder.count).toBe(1);
  });

  it("tells nanoseconds apart that a double would merge", () => {
    const base = 2n ** 60n;
    const call = (client: string, begin: bigint, end: bigint, first: bigint): Call => ({
      client,
      begin,
      end,
      outcome: { kind: "ok", first, count: 1, epoch: 1n },
    });
    const stale = [call("a", base, base + 1n, 11n), call("b", base + 2n, base + 3n, 10n)];
    expect(checkRealTimeOrder(stale).realTimeOrder.kept).toMatchObject([{ before: stale[0], after: stale[1] }]);
    const touching = [call("a", base, base + 2n, 11n), call("b", base + 2n, base + 3n, 10n)];
    expect(checkRealTimeOrder(touching).realTimeOrder.count).toBe(0);
  });

  it("alone catches a leader that was paused and answers from its old window", () => {
    const oldReign = [ok("a", [0, 1], 100, { epoch: 1n }), ok("b", [2, 3], 101, { epoch: 1n })];
    const newReign = [ok("c", [10, 11], 500, { epoch: 2n }), ok("d", [12, 13], 501, { epoch: 2n })];
    const resumed = ok("e", [20, 21], 102, { epoch: 1n });
    const report = checkHistory([...oldReign, ...newReign, resumed]);
    expect(report).toMatchObject({
      ok: false,
      violations: 1,
      duplicates: CLEAN,
      clientOrder: CLEAN,
      epochOrder: CLEAN,
      batchOrder: CLEAN,
    });
    expect(report.realTimeOrder.kept).toEqual([
      { kind: "real_time_order", before: newReign[1], after: resumed, behind: 399n },
    ]);
  });
});

describe("HistoryChecker", () => {
  it("counts what it saw, and calls without timestamps conflict with nothing", () => {
    const calls: Call[] = [
      ok("a", [0, 1], 10, { count: 3 }),
      { client: "a", begin: 1, end: 2, outcome: { kind: "unknown" } },
      { client: "b", begin: 5, end: 6, outcome: { kind: "failed" } },
    ];
    expect(checkHistory(calls)).toMatchObject({
      ok: true,
      violations: 0,
      calls: { total: 3, ok: 1, failed: 1, unknown: 1, timestamps: 3, clients: 2, epochs: 1 },
    });
  });

  it("counts every violation, keeps the first ones and the worst one", () => {
    const calls = [ok("a", [0, 1], 1000)];
    for (let step = 1; step <= 50; step++)
      calls.push(ok("b", [10 * step, 10 * step + 1], 100 + step - (step === 40 ? 60 : 0)));
    const { realTimeOrder } = checkHistory(calls, { maxKept: 3 });
    expect(realTimeOrder.count).toBe(50);
    expect(realTimeOrder.kept.map(({ after }) => after)).toEqual(calls.slice(1, 4));
    expect(realTimeOrder.worst).toMatchObject({ before: calls[0], after: calls[40], behind: 920n });
  });

  it("goes on after a report", () => {
    const checker = new HistoryChecker();
    checker.add(ok("a", [0, 1], 10));
    expect(checker.finish().ok).toBe(true);
    checker.add(ok("b", [2, 3], 10));
    expect(checker.finish()).toMatchObject({ ok: false, duplicates: { count: 1 }, realTimeOrder: { count: 1 } });
  });

  it("judges a million calls, and finds the one that is stale", () => {
    const checker = new HistoryChecker();
    const clients = 64;
    const total = 1_000_000;
    const start = 2n ** 60n;
    for (let index = 0; index < total; index++) {
      const begin = 10 * index;
      checker.add(ok(index % clients, [begin, begin + 10 * clients - 1], start + BigInt(4 * index), { count: 3 }));
    }
    expect(checker.finish()).toMatchObject({ ok: true, calls: { ok: total, timestamps: 3 * total, clients } });
    const stale = ok("late", [10 * total, 10 * total + 1], start + BigInt(4 * (total - clients - 1) + 3));
    checker.add(stale);
    const { violations, realTimeOrder } = checker.finish();
    expect(violations).toBe(1);
    const before = { begin: 10 * (total - clients), outcome: { first: start + BigInt(4 * (total - clients)) } };
    expect(realTimeOrder.kept).toMatchObject([{ before, after: stale }]);
  }, 120_000);
});

describe("validateCall", () => {
  const good = ok("a", [0, 1], 10);
  const refused = (...history: readonly unknown[]): unknown => {
    try {
      checkHistory(history as Call[]);
    } catch (error) {
      return error instanceof HistoryError ? error.code : error;
    }
    return "accepted";
  };

  it.each([
    ["ends before it begins", { ...good, begin: 2 }],
    ["has an instant that is not a number", { ...good, end: Number.NaN }],
    ["never ends", { ...good, end: Number.POSITIVE_INFINITY }],
    ["mixes clocks", { ...good, end: 5n }],
    ["has no client", { ...good, client: undefined }],
    ["holds no timestamps", ok("a", [0, 1], 10, { count: 0 })],
    ["holds half a timestamp", ok("a", [0, 1], 10, { count: 1.5 })],
    ["holds a negative timestamp", ok("a", [0, 1], -1)],
    ["reaches above 64 bits", ok("a", [0, 1], 2n ** 64n - 1n, { count: 2 })],
    ["has a negative epoch", ok("a", [0, 1], 10, { epoch: -1n })],
    ["breaks outside its batch", { ...good, outcome: { ...good.outcome, brokenAt: 1 } }],
    ["has another outcome", { ...good, outcome: { kind: "maybe" } }],
  ])("refuses a call that %s", (_what, call) => {
    expect(refused(good, call)).toBe("malformed_call");
  });

  it("refuses a history on two clocks and instants too far apart to tell from each other", () => {
    const at = (begin: number | bigint): Call => ({ ...good, client: String(begin), begin, end: begin });
    expect(refused(at(1), at(2n))).toBe("malformed_call");
    expect(refused(at(1n), at(2n ** 53n + 1n))).toBe("malformed_call");
    expect(refused(at(1n), at(2n ** 53n))).toBe("accepted");
  });

  it("refuses overlapping calls of one client, with or without an answer", () => {
    const unknown: Call = { client: "a", begin: 0, end: 5, outcome: { kind: "unknown" } };
    expect(refused(unknown, ok("a", [4, 6], 10))).toBe("client_not_sequential");
    expect(refused(unknown, ok("a", [5, 6], 10))).toBe("accepted");
  });

  it("names the place, what was expected and what came", () => {
    expect(() => checkHistory([good, ok("b", [3, 2], 11)])).toThrow(
      "call 1 of the history: expected a call that begins no later than it ends, got begin 3, end 2",
    );
  });

  it("takes the timestamps up to the last of 64 bits", () => {
    const top = ok("a", [0, 1], 2n ** 64n - 2n, { count: 2 });
    const { duplicates } = checkUnique([top, ok("b", [0, 1], 2n ** 64n - 1n)]);
    expect(duplicates.worst).toMatchObject({ lower: top, first: 2n ** 64n - 1n, count: 1n });
  });
});

describe("toJson", () => {
  it("writes bigints as strings and leaves the rest of a report as it is", () => {
    const report = checkHistory([ok("a", [0, 1], 2n ** 63n), ok(7, [0, 1], 2n ** 63n)]);
    const json = JSON.parse(JSON.stringify(toJson(report)));
    expect(json).toMatchObject({
      ok: false,
      violations: 1,
      duplicatedTimestamps: "1",
      duplicates: {
        count: 1,
        worst: { first: "9223372036854775808", lower: { client: "a", outcome: { epoch: "1" } } },
      },
      realTimeOrder: { worst: null, kept: [] },
    });
  });

  it("refuses what JSON would silently change", () => {
    expect(() => toJson({ at: Number.NaN })).toThrow(TypeError);
    expect(() => toJson([() => 1])).toThrow(TypeError);
  });
});
