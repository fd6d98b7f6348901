// SPDX-License-Identifier: Apache-2.0

/** Longest silence of a live member, in mean intervals between its heartbeats. */
export const DEFAULT_MAX_SILENCE = 8;
/** How many of the newest intervals the mean is taken over. */
const WINDOW = 100;

/**
 * Whether one member is heard as regularly as before: the accrual detector behind a set of live ids.
 * Liveness only, like {@link electLeader}: nobody may write because of it. Pure; times are monotonic
 * milliseconds, and a heartbeat before the newest one is ignored. A silence that took the member for dead
 * is no rhythm: it counts as the longest one that would not have, or the next death went unseen for hours.
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

  /** @throws RangeError unless the time is a finite number. */
  heard(atMs: number): void {
    if (!Number.isFinite(atMs)) throw new RangeError(`expected monotonic milliseconds, got ${String(atMs)}`);
    const last = this.#last;
    if (last !== undefined && atMs <= last) return;
    if (last !== undefined) {
      const longest = this.#maxSilence * (this.#mean() ?? Number.POSITIVE_INFINITY);
      this.#intervals.push(Math.min(atMs - last, longest));
    }
    if (this.#intervals.length > WINDOW) this.#intervals.shift();
    this.#last = atMs;
  }

  /** Time since the newest heartbeat in mean intervals; undefined until two heartbeats make an interval. */
  silence(nowMs: number): number | undefined {
    const mean = this.#mean();
    return this.#last === undefined || mean === undefined ? undefined : (nowMs - this.#last) / mean;
  }

  #mean(): number | undefined {
    const { length } = this.#intervals;
    return length === 0 ? undefined : this.#intervals.reduce((sum, interval) => sum + interval, 0) / length;
  }

  /** A member that was heard once is not live yet: nothing is known of its rhythm. */
  isLive(nowMs: number): boolean {
    const silence = this.silence(nowMs);
    return silence !== undefined && silence <= this.#maxSilence;
  }
}
