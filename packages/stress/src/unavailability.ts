// SPDX-License-Identifier: Apache-2.0
import type { FaultKind, FaultTarget } from "./schedule.ts";

/** The stretch of time that a fault is answerable for: from its beginning to the next one. */
export interface FaultStretch {
  readonly kind: FaultKind;
  readonly target: FaultTarget;
  readonly from: number;
  readonly to: number;
}

/** How long nobody was answered, for all faults of one kind against one role. In milliseconds. */
export interface Unavailability {
  readonly kind: FaultKind;
  readonly target: FaultTarget;
  /** One for each fault, in order. */
  readonly eachMs: readonly number[];
  readonly medianMs: number;
  readonly maxMs: number;
}

/**
 * The longest time without an answer within `[from, to]`, its edges included; the whole of it if there was none.
 *
 * @param ends when answers came, rising
 */
export function longestSilence(ends: ArrayLike<number>, from: number, to: number): number {
  let longest = 0;
  let latest = from;
  for (let index = firstAfter(ends, from); index < ends.length; index += 1) {
    const end = ends[index] as number;
    if (end >= to) break;
    longest = Math.max(longest, end - latest);
    latest = end;
  }
  return Math.max(longest, to - latest);
}

/** Index of the first that is above `limit`. */
function firstAfter(rising: ArrayLike<number>, limit: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >>> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * What the faults cost, grouped by kind and role, in the order in which the groups first occur.
 *
 * @param ends when answers came, rising, on the clock of the stretches
 * @param ticksPerMs of that clock
 */
export function unavailability(
  stretches: readonly FaultStretch[],
  ends: ArrayLike<number>,
  ticksPerMs: number,
): Unavailability[] {
  const groups = new Map<string, { readonly first: FaultStretch; readonly eachMs: number[] }>();
  for (const stretch of stretches) {
    const key = `${stretch.kind} ${stretch.target}`;
    const group = groups.get(key) ?? { first: stretch, eachMs: [] };
    group.eachMs.push(Math.round(longestSilence(ends, stretch.from, stretch.to) / ticksPerMs));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ first: { kind, target }, eachMs }) => ({
    kind,
    target,
    eachMs,
    medianMs: Math.round(median(eachMs)),
    maxMs: Math.max(...eachMs),
  }));
}
