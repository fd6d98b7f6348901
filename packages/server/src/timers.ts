// SPDX-License-Identifier: Apache-2.0

/** Delays and a monotonic clock, as a port. They schedule and measure; validity never depends on them. */
export interface Timers {
  /** Calls `run` once after `ms`; the returned function prevents it. */
  after(ms: number, run: () => void): () => void;
  /**
   * Calls `run` at the end of this event-loop turn: after the present callback and all its
   * microtasks, when everything that one read of a socket delivered has been taken in.
   */
  atTurnEnd(run: () => void): void;
  /** Monotonic milliseconds. */
  monotonicMs(): number;
}

/** Real timers; none of them keeps the process alive. */
export const systemTimers: Timers = Object.freeze({
  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
  atTurnEnd(run: () => void): void {
    process.nextTick(run);
  },
  monotonicMs(): number {
    return performance.now();
  },
});
