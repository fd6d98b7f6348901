// SPDX-License-Identifier: Apache-2.0

/** What the ticker needs of its thread. */
export interface TickerClock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Calls `run` once after `ms`; the returned function prevents it. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` after the I/O that is waiting has been read. */
  afterIo(run: () => void): void;
}

/** Turns of the event loop that a late tick lets pass, so that messages that wait in sockets are heard first. */
const TURNS = 2;

/**
 * Counts time for the core. Between two ticks there is always a whole interval: the core's promises not to
 * vote are counted in ticks, so n of them must never take less than n - 1 intervals (Q2, Q4). A tick that
 * is late by more than two intervals means that the thread was stalled, and that heartbeats wait unread:
 * then it lets I/O go first, and counts one tick for all of them (N2). Time that passed is lost and never
 * made up for.
 */
export class Ticker {
  readonly #clock: TickerClock;
  readonly #intervalMs: number;
  readonly #tick: () => void;
  #dueMs: number;
  #cancel: () => void;
  #stopped = false;
  #stalls = 0;

  constructor(intervalMs: number, clock: TickerClock, tick: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#tick = tick;
    this.#dueMs = clock.nowMs() + intervalMs;
    this.#cancel = clock.after(intervalMs, () => this.#fired());
  }

  /** How often the thread was found stalled. */
  get stalls(): number {
    return this.#stalls;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #fired(): void {
    if (this.#stopped) return;
    const early = this.#dueMs - this.#clock.nowMs();
    // Timers of Node may fire up to a millisecond before their time.
    if (early > 0) this.#arm(early);
    else if (-early > 2 * this.#intervalMs) this.#stalled(TURNS);
    else this.#count();
  }

  #stalled(turns: number): void {
    if (this.#stopped) return;
    if (turns > 0) {
      this.#clock.afterIo(() => this.#stalled(turns - 1));
      return;
    }
    this.#stalls += 1;
    this.#count();
  }

  /** The next one is due an interval from now, and not from when this one was due. */
  #count(): void {
    this.#dueMs = this.#clock.nowMs() + this.#intervalMs;
    this.#arm(this.#intervalMs);
    this.#tick();
  }

  #arm(ms: number): void {
    this.#cancel = this.#clock.after(Math.ceil(ms), () => this.#fired());
  }
}
