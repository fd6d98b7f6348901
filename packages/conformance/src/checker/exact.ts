// SPDX-License-Identifier: Apache-2.0
import { type Call, isOk, lastOf, type OkCall } from "./call.ts";
import { CallLog } from "./call-log.ts";
import { combine, type HistoryReport } from "./history-checker.ts";
import {
  type BatchViolation,
  type CheckOptions,
  DEFAULT_MAX_KEPT,
  type Duplicate,
  type Finding,
  FindingBuilder,
  type OrderViolation,
} from "./violation.ts";

/** Whether `a` had to be entirely below `b`; `ia` and `ib` are their places in the order of recording. */
type MustBeBelow = (a: OkCall, b: OkCall, ia: number, ib: number) => boolean;

const sameClientEarlier: MustBeBelow = (a, b, ia, ib) => a.client === b.client && ia < ib;
const lowerEpoch: MustBeBelow = (a, b) => a.outcome.epoch < b.outcome.epoch;
const endedBefore: MustBeBelow = (a, b) => a.end < b.begin;
const lowerRange: MustBeBelow = (a, b, ia, ib) =>
  a.outcome.first < b.outcome.first || (a.outcome.first === b.outcome.first && ia < ib);

/**
 * The same report as `checkHistory`, by comparing every pair of calls as the definitions say. O(n^2) time:
 * it exists to judge the fast checks, and for whoever doubts them.
 *
 * @throws HistoryError if the history was recorded wrongly.
 */
export function checkHistoryExact(history: Iterable<Call>, options: CheckOptions = {}): HistoryReport {
  const maxKept = options.maxKept ?? DEFAULT_MAX_KEPT;
  const all = [...history];
  const { counts } = CallLog.from(all);
  // Copies, so that a call recorded twice is two calls and not one object.
  const calls = all.filter(isOk).map((call) => ({ ...call }));
  const byFirst = sorted(calls, (a, b) => sign(a.outcome.first, b.outcome.first));
  const byBegin = sorted(calls, (a, b) => sign(a.begin, b.begin));
  return combine(
    counts,
    { duplicates: duplicates(calls, byFirst, maxKept), duplicatedTimestamps: duplicatedTimestamps(calls) },
    {
      clientOrder: orderViolations("client_order", calls, calls, sameClientEarlier, maxKept),
      epochOrder: orderViolations("epoch_order", calls, calls, lowerEpoch, maxKept),
      batchOrder: batchViolations(calls, maxKept),
    },
    { realTimeOrder: orderViolations("real_time_order", calls, byBegin, endedBefore, maxKept) },
  );
}

function sign(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Array sorting is stable, so equals stay in the order of recording. */
function sorted(calls: readonly OkCall[], compare: (a: OkCall, b: OkCall) => number): OkCall[] {
  return [...calls].sort(compare);
}

/** Of the calls that had to be below `b` and are not, the one that reaches highest, of equals the first. */
function culpritOf(b: OkCall, calls: readonly OkCall[], mustBeBelow: MustBeBelow): OkCall | undefined {
  const ib = calls.indexOf(b);
  let culprit: OkCall | undefined;
  for (const [ia, a] of calls.entries()) {
    if (ia === ib || !mustBeBelow(a, b, ia, ib)) continue;
    if (lastOf(a.outcome) < b.outcome.first) continue;
    if (culprit === undefined || lastOf(a.outcome) > lastOf(culprit.outcome)) culprit = a;
  }
  return culprit;
}

function orderViolations(
  kind: OrderViolation["kind"],
  calls: readonly OkCall[],
  inOrder: readonly OkCall[],
  mustBeBelow: MustBeBelow,
  maxKept: number,
): Finding<OrderViolation> {
  const found = new FindingBuilder<OrderViolation>(maxKept);
  for (const after of inOrder) {
    const before = culpritOf(after, calls, mustBeBelow);
    if (before === undefined) continue;
    const behind = lastOf(before.outcome) - after.outcome.first;
    found.add(behind, () => ({ kind, before, after, behind }));
  }
  return found.build();
}

function duplicates(calls: readonly OkCall[], inOrder: readonly OkCall[], maxKept: number): Finding<Duplicate> {
  const found = new FindingBuilder<Duplicate>(maxKept);
  for (const upper of inOrder) {
    const lower = culpritOf(upper, calls, lowerRange);
    if (lower === undefined) continue;
    const ends = [lastOf(lower.outcome), lastOf(upper.outcome)].sort(sign);
    const first = upper.outcome.first;
    const count = (ends[0] as bigint) - first + 1n;
    found.add(count, () => ({ kind: "duplicate", lower, upper, first, count }));
  }
  return found.build();
}

/** Cuts the number line wherever a range starts or stops; each piece is in all of a range or in none of it. */
function duplicatedTimestamps(calls: readonly OkCall[]): bigint {
  const cuts = calls.flatMap(({ outcome }) => [outcome.first, lastOf(outcome) + 1n]).sort(sign);
  let total = 0n;
  for (const [index, from] of cuts.entries()) {
    const to = cuts[index + 1] ?? from;
    const holders = calls.filter(({ outcome }) => outcome.first <= from && from <= lastOf(outcome)).length;
    if (holders >= 2) total += to - from;
  }
  return total;
}

function batchViolations(calls: readonly OkCall[], maxKept: number): Finding<BatchViolation> {
  const found = new FindingBuilder<BatchViolation>(maxKept);
  for (const call of calls) {
    const { first, count, brokenAt } = call.outcome;
    const nextMs = ((first >> 18n) + 1n) << 18n;
    const crossing = lastOf(call.outcome) < nextMs ? count : Number(nextMs - first);
    const at = Math.min(crossing, brokenAt ?? count);
    if (at < count) found.add(0n, () => ({ kind: "batch_order", call, at }));
  }
  return found.build();
}
