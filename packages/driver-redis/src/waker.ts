// SPDX-License-Identifier: Apache-2.0

/** Lets one loop sleep, and anybody end the sleep. A wake-up before the sleep is not lost. */
export class Waker {
  #isAwake = false;
  #end: (() => void) | undefined;

  wake(): void {
    this.#isAwake = true;
    this.#end?.();
  }

  /** Resolves after `ms`, or when woken. Timers only schedule; nothing is valid or over because one fired. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#end = undefined;
        this.#isAwake = false;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, ms));
      this.#end = done;
      if (this.#isAwake) done();
    });
  }
}
