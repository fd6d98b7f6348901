// SPDX-License-Identifier: Apache-2.0
import type { Call } from "./call.ts";
import { CallLog } from "./call-log.ts";
import { type CheckOptions, DEFAULT_MAX_KEPT, type Duplicate, type Finding, FindingBuilder } from "./violation.ts";

export interface UniqueResult {
  /**
   * Calls that hold a timestamp which a call with a lower range (or an equal start, recorded earlier) holds
   * too, in order of their first timestamp. The evidence names, of the lower calls, the one that reaches
   * highest, of equals the one recorded first.
   */
  readonly duplicates: Finding<Duplicate>;
  /** How many different timestamps are in more than one call. Zero exactly when there are no duplicates. */
  readonly duplicatedTimestamps: bigint;
}

/**
 * Uniqueness (`postgres-redis.md` 2.1 U): no timestamp is in two calls.
 *
 * O(n log n) time; 44 bytes per answered call. Calls that failed or have no answer hold nothing.
 *
 * @throws HistoryError if the history was recorded wrongly.
 */
export function checkUnique(history: Iterable<Call>, options: CheckOptions = {}): UniqueResult {
  return judgeUnique(CallLog.from(history), options);
}

/**
 * Sweeps the ranges by their start. Whether any lower range reaches into this one is decided by the one that
 * reaches highest; and since all of them start no higher than this one, what they cover from here on is one
 * piece without holes, and so is what was already counted as duplicated.
 */
export function judgeUnique(log: CallLog, { maxKept = DEFAULT_MAX_KEPT }: CheckOptions): UniqueResult {
  const found = new FindingBuilder<Duplicate>(maxKept);
  const { first, last } = log;
  let highest = -1;
  let duplicatedUpTo = -1n;
  let duplicatedTimestamps = 0n;
  for (const row of log.sortedRows((a, b) => first.compare(a, first, b))) {
    const reaches = highest;
    highest = reaches === -1 ? row : log.higher(reaches, row);
    if (reaches === -1 || last.compare(reaches, first, row) < 0) continue;
    const start = first.get(row);
    const end = last.compare(row, last, reaches) < 0 ? last.get(row) : last.get(reaches);
    const count = end - start + 1n;
    found.add(count, () => ({
      kind: "duplicate",
      lower: log.call(reaches),
      upper: log.call(row),
      first: start,
      count,
    }));
    const uncounted = start > duplicatedUpTo ? start : duplicatedUpTo + 1n;
    if (end >= uncounted) {
      duplicatedTimestamps += end - uncounted + 1n;
      duplicatedUpTo = end;
    }
  }
  return { duplicates: found.build(), duplicatedTimestamps };
}
