// SPDX-License-Identifier: Apache-2.0

/** Delays and a monotonic clock, as a port. */
export interface Timers {
  /** Calls `run` once after about `ms`; it may be a little early. The returned function prevents it. */
  after(ms: number, run: () => void): () => void;
  /** Milliseconds that never go back, of any origin. */
  monotonicMs(): number;
}

/** Real timers. They keep the process alive: a write that was begun runs to its end. */
export const systemTimers: Timers = Object.freeze({
  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  monotonicMs(): number {
    return performance.now();
  },
});
