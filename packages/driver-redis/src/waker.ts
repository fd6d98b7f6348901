// SPDX-License-Identifier: Apache-2.0
import type { Timers } from "@tsoracle/quorum";

/** Lets one loop sleep, and anybody end the sleep. A wake-up before the sleep is not lost. */
export class Waker {
  readonly #timers: Timers;
  #isAwake = false;
  #end: (() => void) | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  wake(): void {
    this.#isAwake = true;
    this.#end?.();
  }

  /** Resolves after `ms`, or when woken. Timers only schedule; nothing is valid or over because one fired. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#end = undefined;
        this.#isAwake = false;
        resolve();
      };
      const cancel = this.#timers.after(Math.max(0, ms), done);
      this.#end = done;
      if (this.#isAwake) done();
    });
  }
}
