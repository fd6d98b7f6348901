// SPDX-License-Identifier: Apache-2.0

/**
 * The wall clock, as a port. It is advisory: uniqueness and order never depend on it, it only keeps
 * timestamps near real time. Implementations answer an integer from 0 to 2^53-1, synchronously, and
 * saturate rather than wrap.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

/** Whether a reading is what a {@link Clock} may answer; anything else cannot be reasoned about. */
export function isClockReading(nowMs: number): boolean {
  return Number.isSafeInteger(nowMs) && nowMs >= 0;
}
