// SPDX-License-Identifier: Apache-2.0

/** Delays and a monotonic clock, as a port. */
export interface Timers {
  /** Calls `run` once after `ms`; the returned function prevents it. */
  after(ms: number, run: () => void): () => void;
  /** Monotonic milliseconds. */
  monotonicMs(): number;
}

/** Real timers; none of them keeps the process alive. */
export const systemTimers: Timers = Object.freeze({
  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
  monotonicMs(): number {
    return performance.now();
  },
});
