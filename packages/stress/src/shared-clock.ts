// SPDX-License-Identifier: Apache-2.0

export const TICKS_PER_MS = 1_000_000;

/**
 * The one clock of a history, in nanoseconds since an instant that the harness has chosen.
 *
 * `process.hrtime` reads CLOCK_MONOTONIC, which all processes of a machine share, so that "ended before the other began"
 * is a fact across processes too. As a number it is exact for 104 days.
 */
export class SharedClock {
  readonly base: bigint;

  constructor(base: bigint = process.hrtime.bigint()) {
    this.base = base;
  }

  now(): number {
    return Number(process.hrtime.bigint() - this.base);
  }
}
