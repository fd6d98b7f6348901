// SPDX-License-Identifier: Apache-2.0
import type { Call } from "./call.ts";
import { CallLog } from "./call-log.ts";
import { reportUnlessAbove } from "./monotone.ts";
import { type CheckOptions, DEFAULT_MAX_KEPT, type Finding, FindingBuilder, type OrderViolation } from "./violation.ts";

export interface RealTimeResult {
  /**
   * Calls not entirely above every call that ended before they began, in the order of their begin (of
   * equals, of recording). The evidence names, of the calls that had ended, the one that reaches highest,
   * of equals the one recorded first.
   */
  readonly realTimeOrder: Finding<OrderViolation>;
}

/**
 * Real-time order, or freshness (`postgres-redis.md` 2.1 F): if call A ended before call B began, whoever
 * made them, every timestamp of A is below every timestamp of B. `end === begin` counts as overlapping.
 *
 * This is the only check that sees a leader which was paused, replaced, and on waking up answers new calls
 * from its old window: those timestamps are unique and in the order of epochs, but older than what others
 * hold already.
 *
 * O(n log n) time; 48 bytes per answered call.
 *
 * @throws HistoryError if the history was recorded wrongly.
 */
export function checkRealTimeOrder(history: Iterable<Call>, options: CheckOptions = {}): RealTimeResult {
  return judgeRealTimeOrder(CallLog.from(history), options);
}

/** Walks the calls by begin; of those that have ended by then, one is enough: the one that reaches highest. */
export function judgeRealTimeOrder(log: CallLog, { maxKept = DEFAULT_MAX_KEPT }: CheckOptions): RealTimeResult {
  const found = new FindingBuilder<OrderViolation>(maxKept);
  const { begin, end } = log;
  const byBegin = log.sortedRows((a, b) => (begin[a] as number) - (begin[b] as number));
  const byEnd = log.sortedRows((a, b) => (end[a] as number) - (end[b] as number));
  let ended = 0;
  let highest = -1;
  for (const row of byBegin) {
    const now = begin[row] as number;
    for (; ended < byEnd.length && (end[byEnd[ended] as number] as number) < now; ended++) {
      const candidate = byEnd[ended] as number;
      highest = highest === -1 ? candidate : log.higher(highest, candidate);
    }
    if (highest !== -1) reportUnlessAbove(log, "real_time_order", highest, row, found);
  }
  return { realTimeOrder: found.build() };
}
