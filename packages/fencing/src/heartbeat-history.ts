// SPDX-License-Identifier: Apache-2.0

/** Longest silence of a live member, in mean intervals between its heartbeats. */
export const DEFAULT_MAX_SILENCE = 8;
/** How many of the newest intervals the mean is taken over. */
const WINDOW = 100;

/**
 * Whether one member is heard as regularly as before: the accrual detector behind a set of live ids.
 * Liveness only, like {@link electLeader}: nobody may write because of it. Pure; times are monotonic
 * milliseconds, and a heartbeat before the newest one is ignored.
 * Source: `fencing-quorum-sessions.md` 3.8, row D20 of 6.3.
 */
export class HeartbeatHistory {
  readonly #maxSilence: number;
  readonly #intervals: number[] = [];
  #last: number | undefined;

  /** @throws RangeError unless `maxSilence` is above 0. */
  constructor(maxSilence: number = DEFAULT_MAX_SILENCE) {
    if (!(maxSilence > 0)) throw new RangeError(`expected a silence above 0 mean intervals, got ${maxSilence}`);
    this.#maxSilence = maxSilence;
  }

  heard(atMs: number): void {
    const last = this.#last;
    if (last !== undefined && !(atMs > last)) return;
    if (last !== undefined) this.#intervals.push(atMs - last);
    if (this.#intervals.length > WINDOW) this.#intervals.shift();
    this.#last = atMs;
  }

  /** Time since the newest heartbeat in mean intervals; undefined until two heartbeats make an interval. */
  silence(nowMs: number): number | undefined {
    if (this.#last === undefined || this.#intervals.length === 0) return undefined;
    const mean = this.#intervals.reduce((sum, interval) => sum + interval, 0) / this.#intervals.length;
    return (nowMs - this.#last) / mean;
  }

  /** A member that was heard once is not live yet: nothing is known of its rhythm. */
  isLive(nowMs: number): boolean {
    const silence = this.silence(nowMs);
    return silence !== undefined && silence <= this.#maxSilence;
  }
}
