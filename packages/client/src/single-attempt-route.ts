// SPDX-License-Identifier: Apache-2.0
import type { Target } from "./target.ts";

/**
 * Whom the next call goes to that makes one attempt only: the leader of last report, else the first
 * configured server, but not one that has just failed to help while there is another to ask. Without
 * that, a client that makes no other calls would ask a dead server for ever.
 */
export class SingleAttemptRoute {
  readonly #configured: readonly Target[];
  readonly #avoided = new Set<string>();

  constructor(configured: readonly Target[]) {
    this.#configured = configured;
  }

  next(leader: Target | undefined): Target | undefined {
    const candidates = leader === undefined ? this.#configured : [leader, ...this.#configured];
    const chosen = candidates.find(({ key }) => !this.#avoided.has(key));
    if (chosen !== undefined) return chosen;
    this.#avoided.clear();
    return candidates[0];
  }

  /** The server could not be reached, or leads nobody and knows nobody who does. */
  avoid(target: Target): void {
    this.#avoided.add(target.key);
  }

  /** The server has answered, or was named as the leader. Says nothing about the others. */
  trust(target: Target): void {
    this.#avoided.delete(target.key);
  }
}
