// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Call,
  checkHistory,
  checkHistoryExact,
  checkMonotone,
  checkRealTimeOrder,
  checkUnique,
  linearize,
} from "../../src/checker/index.ts";
import { anyHistory, chaoticHistory, comparedHistory, validHistory } from "./histories.ts";

function orderIsExplained(history: readonly Call[]): boolean {
  const report = checkHistory(history);
  const { duplicates, clientOrder, epochOrder, realTimeOrder } = report;
  return duplicates.count + clientOrder.count + epochOrder.count + realTimeOrder.count === 0;
}

describe("checkHistory against the exact checkers", () => {
  it("reports the same counts, evidence and worst case as comparing every pair", () => {
    fc.assert(
      fc.property(comparedHistory(), fc.nat(4), (history, maxKept) => {
        expect(checkHistory(history, { maxKept })).toEqual(checkHistoryExact(history, { maxKept }));
      }),
      { numRuns: 3000 },
    );
  });

  it("judges the same on a bigint clock far from zero", () => {
    const base = 2n ** 60n;
    fc.assert(
      fc.property(comparedHistory(), (history) => {
        const onBigints = history.map((call) => ({
          ...call,
          begin: base + BigInt(call.begin),
          end: base + BigInt(call.end),
        }));
        const report = checkHistory(onBigints);
        expect(report).toEqual(checkHistoryExact(onBigints));
        expect(report.violations).toBe(checkHistory(history).violations);
      }),
      { numRuns: 300 },
    );
  });

  it("finds nothing in what a correct oracle produced", () => {
    fc.assert(
      fc.property(validHistory(40), (history) => {
        expect(checkHistory(history)).toMatchObject({
          duplicates: { count: 0, worst: null, kept: [] },
          duplicatedTimestamps: 0n,
          clientOrder: { count: 0 },
          epochOrder: { count: 0 },
          realTimeOrder: { count: 0 },
        });
      }),
      { numRuns: 1000 },
    );
  });

  it("is clean exactly when a linearization exists", () => {
    const verdicts = { clean: 0, violated: 0 };
    fc.assert(
      fc.property(fc.oneof(anyHistory(9), chaoticHistory(6)), (history) => {
        const clean = orderIsExplained(history);
        verdicts[clean ? "clean" : "violated"] += 1;
        expect(linearize(history).linearizable).toBe(clean);
      }),
      { numRuns: 3000 },
    );
    // Neither verdict is rare, so neither direction of the equivalence is vacuous.
    expect(verdicts.clean).toBeGreaterThan(500);
    expect(verdicts.violated).toBeGreaterThan(500);
  });

  it("judges alike through the single checks and through all at once", () => {
    fc.assert(
      fc.property(comparedHistory(), (history) => {
        expect(checkHistory(history)).toMatchObject({
          ...checkUnique(history),
          ...checkMonotone(history),
          ...checkRealTimeOrder(history),
        });
      }),
      { numRuns: 200 },
    );
  });
});
