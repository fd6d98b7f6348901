// SPDX-License-Identifier: Apache-2.0
import type { Timers } from "@tsoracle/quorum";

/** Delays that end when a test says so. */
export class ManualTimers implements Timers {
  #now = 0;
  #waiting: { readonly at: number; readonly run: () => void }[] = [];

  after(ms: number, run: () => void): () => void {
    const one = { at: this.#now + ms, run };
    this.#waiting.push(one);
    return () => {
      this.#waiting = this.#waiting.filter((each) => each !== one);
    };
  }

  monotonicMs(): number {
    return this.#now;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const one of this.#waiting.filter(({ at }) => at <= this.#now)) {
      this.#waiting = this.#waiting.filter((each) => each !== one);
      one.run();
    }
  }
}
