// SPDX-License-Identifier: Apache-2.0

/**
 * Questions that several callers share. Each joins the next one to be sent, and nobody joins one under way, because it
 * may have begun before the request arrived (`postgres-redis.md` 2.6).
 */
export class NextRound<T> {
  readonly #ask: () => Promise<T>;
  #running: Promise<unknown> | undefined;
  #next: Promise<T> | undefined;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  join(): Promise<T> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  async #begin(): Promise<T> {
    await this.#running?.catch(() => {});
    this.#next = undefined;
    const round = this.#ask();
    this.#running = round;
    return await round;
  }
}
