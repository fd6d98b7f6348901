// SPDX-License-Identifier: Apache-2.0
import { Timestamp, type WindowGrant } from "@tsoracle/core";
import { TimestampRange } from "./timestamp-range.ts";

interface WaiterBase {
  /** Start of the event-loop turn in which the call was made: its deadline counts from here. */
  readonly enteredAt: number;
  readonly count: number;
  readonly reject: (error: unknown) => void;
  /** The caller has been answered, or has given up; nothing is given to it any more. */
  settled: boolean;
  /** Its request has not been sent yet. Kept by the batcher. */
  queued: boolean;
  /** Lets go of the caller's abort signal. */
  release: (() => void) | undefined;
}

interface SingleWaiter extends WaiterBase {
  readonly kind: "single";
  readonly resolve: (timestamp: Timestamp) => void;
}

interface RangeWaiter extends WaiterBase {
  readonly kind: "range";
  readonly resolve: (range: TimestampRange) => void;
}

/** One caller that waits for timestamps. */
export type Waiter = SingleWaiter | RangeWaiter;

export function singleWaiter(
  enteredAt: number,
  resolve: (timestamp: Timestamp) => void,
  reject: (error: unknown) => void,
): Waiter {
  return { kind: "single", enteredAt, count: 1, resolve, reject, settled: false, queued: false, release: undefined };
}

export function rangeWaiter(
  enteredAt: number,
  count: number,
  resolve: (range: TimestampRange) => void,
  reject: (error: unknown) => void,
): Waiter {
  return { kind: "range", enteredAt, count, resolve, reject, settled: false, queued: false, release: undefined };
}

/** Waiters that share one request, in the order in which they entered. */
export interface Chunk {
  readonly waiters: readonly Waiter[];
  /** The sum of their counts. */
  readonly count: number;
}

/**
 * Hands a grant out, in order, as consecutive slices. The slice of a caller that gave up since the
 * request was sent is skipped and belongs to nobody: it is older than any call still to come.
 */
export function deliver(chunk: Chunk, grant: WindowGrant): void {
  const { physicalMs, epoch } = grant;
  let logical = grant.logicalStart;
  for (const waiter of chunk.waiters) {
    if (!waiter.settled) {
      waiter.settled = true;
      waiter.release?.();
      if (waiter.kind === "single") waiter.resolve(new Timestamp(physicalMs, logical, epoch));
      else waiter.resolve(new TimestampRange(physicalMs, logical, waiter.count, epoch));
    }
    logical += waiter.count;
  }
}

export function rejectAll(waiters: Iterable<Waiter>, error: unknown): void {
  for (const waiter of waiters) {
    if (waiter.settled) continue;
    waiter.settled = true;
    waiter.release?.();
    waiter.reject(error);
  }
}
