// SPDX-License-Identifier: Apache-2.0

/** Lets so many pieces of work run at a time; the others wait for their turn. */
export class Limiter {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place goes to whoever waits; nobody else can take it in between.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
