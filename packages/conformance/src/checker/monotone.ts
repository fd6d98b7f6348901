// SPDX-License-Identifier: Apache-2.0
import type { Call } from "./call.ts";
import { CallLog } from "./call-log.ts";
import {
  type BatchViolation,
  type CheckOptions,
  DEFAULT_MAX_KEPT,
  type Finding,
  FindingBuilder,
  type OrderViolation,
} from "./violation.ts";

/**
 * All three in the order of recording. The evidence of an order violation names, of all calls that had to be
 * below the offending one, the one that reaches highest, of equals the one recorded first.
 */
export interface MonotoneResult {
  /** Calls not entirely above every earlier call of their own client. */
  readonly clientOrder: Finding<OrderViolation>;
  /** Calls not entirely above every call of every lower epoch, whenever that was made. */
  readonly epochOrder: Finding<OrderViolation>;
  /** Calls whose batch is not consecutive timestamps of one millisecond. */
  readonly batchOrder: Finding<BatchViolation>;
}

/**
 * Monotonicity: each client's timestamps rise in program order (the order of recording), every epoch lies
 * above all lower ones (`postgres-redis.md` 2.1 O), and a batch is one grant: consecutive timestamps of one
 * millisecond (`tsoracle-behaviour.md` 1.5).
 *
 * O(n + e log e) time for e epochs; 40 bytes per answered call, and a little per client and epoch.
 *
 * @throws HistoryError if the history was recorded wrongly.
 */
export function checkMonotone(history: Iterable<Call>, options: CheckOptions = {}): MonotoneResult {
  return judgeMonotone(CallLog.from(history), options);
}

export function judgeMonotone(log: CallLog, { maxKept = DEFAULT_MAX_KEPT }: CheckOptions): MonotoneResult {
  return {
    clientOrder: judgeClientOrder(log, maxKept),
    epochOrder: judgeEpochOrder(log, maxKept),
    batchOrder: judgeBatchOrder(log, maxKept),
  };
}

/** Reports `row` if it is not entirely above `before`, the highest call that it had to be above. */
export function reportUnlessAbove(
  log: CallLog,
  kind: OrderViolation["kind"],
  before: number,
  row: number,
  found: FindingBuilder<OrderViolation>,
): void {
  if (log.last.compare(before, log.first, row) < 0) return;
  const behind = log.last.get(before) - log.first.get(row);
  found.add(behind, () => ({ kind, before: log.call(before), after: log.call(row), behind }));
}

function judgeClientOrder(log: CallLog, maxKept: number): Finding<OrderViolation> {
  const found = new FindingBuilder<OrderViolation>(maxKept);
  const highest = new Map<number, number>();
  for (let row = 0; row < log.length; row++) {
    const client = log.client[row] as number;
    const before = highest.get(client);
    if (before !== undefined) reportUnlessAbove(log, "client_order", before, row, found);
    highest.set(client, before === undefined ? row : log.higher(before, row));
  }
  return found.build();
}

function judgeEpochOrder(log: CallLog, maxKept: number): Finding<OrderViolation> {
  const found = new FindingBuilder<OrderViolation>(maxKept);
  const highestBelow = highestCallBelowEachEpoch(log);
  for (let row = 0; row < log.length; row++) {
    const before = highestBelow[log.epoch[row] as number];
    if (before !== undefined) reportUnlessAbove(log, "epoch_order", before, row, found);
  }
  return found.build();
}

/** By index of epoch: the row that reaches highest among all lower epochs; none for the lowest epoch. */
function highestCallBelowEachEpoch(log: CallLog): (number | undefined)[] {
  const highestIn: (number | undefined)[] = log.epochs.map(() => undefined);
  const higher = (a: number | undefined, b: number | undefined): number | undefined => {
    return a === undefined || b === undefined ? (a ?? b) : log.higher(a, b);
  };
  for (let row = 0; row < log.length; row++) {
    const index = log.epoch[row] as number;
    highestIn[index] = higher(highestIn[index], row);
  }
  const ascending = [...log.epochs.keys()].sort((a, b) =>
    (log.epochs[a] as bigint) < (log.epochs[b] as bigint) ? -1 : 1,
  );
  const below: (number | undefined)[] = log.epochs.map(() => undefined);
  let highest: number | undefined;
  for (const index of ascending) {
    below[index] = highest;
    highest = higher(highest, highestIn[index]);
  }
  return below;
}

const LOGICAL_PER_MS = 2 ** 18;

function judgeBatchOrder(log: CallLog, maxKept: number): Finding<BatchViolation> {
  const found = new FindingBuilder<BatchViolation>(maxKept);
  for (let row = 0; row < log.length; row++) {
    const brokenAt = log.brokenAt.get(row);
    const leftInMs = LOGICAL_PER_MS - (log.first.low(row) % LOGICAL_PER_MS);
    const at = Math.min(brokenAt ?? Number.POSITIVE_INFINITY, leftInMs);
    if (brokenAt === undefined && log.last.get(row) - log.first.get(row) < leftInMs) continue;
    found.add(0n, () => ({ kind: "batch_order", call: log.call(row), at }));
  }
  return found.build();
}
