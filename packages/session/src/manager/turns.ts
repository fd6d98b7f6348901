// SPDX-License-Identifier: Apache-2.0
import { SessionManagerError } from "./session-manager-error.ts";

interface Waiting {
  readonly begin: () => Promise<void>;
  readonly refuse: (error: unknown) => void;
}

/**
 * The calls of one session, one after the other in the order of their arrival. At most so many wait; what cannot wait is
 * refused at once, and what has not begun can be taken back.
 */
export class Turns {
  readonly #most: number;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws SessionManagerError `queue_full`; the reason of a signal that aborts before the turn; what the work throws. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#waiting.length >= this.#most) {
      const message = `${this.#most} calls wait for this session already; wait for answers before asking for more`;
      return Promise.reject(new SessionManagerError("queue_full", message));
    }
    return this.#enter(work, signal, false);
  }

  /** Work of the session's own: before whatever waits, and never refused. */
  next<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(work, undefined, true);
  }

  /** Work of the session's own, after whatever waits. */
  last<T>(work: () => Promise<T>): Promise<T> {
    return this.#enter(work, undefined, false);
  }

  /** Refuses everything that has not begun. */
  refuseAll(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { refuse } of waiting) refuse(error);
  }

  #enter<T>(work: () => Promise<T>, signal: AbortSignal | undefined, first: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        begin: () => {
          signal?.removeEventListener("abort", leave);
          return work().then(resolve, reject);
        },
        refuse: (error) => {
          signal?.removeEventListener("abort", leave);
          reject(error);
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      if (first) this.#waiting.unshift(waiting);
      else this.#waiting.push(waiting);
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await next.begin();
    this.#running = false;
  }
}
