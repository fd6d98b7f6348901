// SPDX-License-Identifier: Apache-2.0

/** Runs asynchronous steps one after the other, in the order in which they were handed in. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Starts `step` when all earlier ones have settled. Its failure concerns its caller only. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
