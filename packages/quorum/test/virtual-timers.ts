// SPDX-License-Identifier: Apache-2.0
import type { Timers } from "../src/index.ts";

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

/** Time that passes when it is told to. */
export class VirtualTimers implements Timers {
  #now = 1_000;
  readonly #earlyMs: number;
  readonly #alarms = new Set<Alarm>();

  /** @param earlyMs how much too early every alarm goes off, as those of Node may */
  constructor(earlyMs = 0) {
    this.#earlyMs = earlyMs;
  }

  get pending(): number {
    return this.#alarms.size;
  }

  after(ms: number, run: () => void): () => void {
    const alarm = { at: this.#now + Math.max(ms - this.#earlyMs, 0), run };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  monotonicMs(): number {
    return this.#now;
  }

  /** Lets time pass, with everything that becomes due on the way, each in its turn. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settled();
    }
    this.#now = end;
  }
}

/** Resolves when everything that waits for nothing but its turn has had it. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
