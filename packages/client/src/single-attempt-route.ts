// SPDX-License-Identifier: Apache-2.0
import type { Target } from "./target.ts";

/** Servers known from hints alone that are remembered as no help. */
const MAX_HINTED = 32;

/**
 * Whom the next call goes to that makes one attempt only: the leader of last report, else the first
 * configured server, but not one that has just failed to help while there is another to ask. Without
 * that, a client that makes no other calls would ask a dead server for ever.
 */
export class SingleAttemptRoute {
  readonly #configured: readonly Target[];
  /** In the order in which they failed to help. */
  readonly #avoided = new Set<string>();

  constructor(configured: readonly Target[]) {
    this.#configured = configured;
  }

  next(leader: Target | undefined): Target | undefined {
    const candidates = leader === undefined ? this.#configured : [leader, ...this.#configured];
    const byKey = new Map(candidates.map((target) => [target.key, target]));
    const chosen = candidates.find(({ key }) => !this.#avoided.has(key));
    if (chosen !== undefined) return chosen;
    const longestAgo = [...this.#avoided].find((key) => byKey.has(key));
    return longestAgo === undefined ? undefined : byKey.get(longestAgo);
  }

  /** The server could not be reached, or leads nobody and knows nobody who does. */
  avoid(target: Target): void {
    this.#avoided.delete(target.key);
    this.#avoided.add(target.key);
    // Only hints can make the list longer than the configured servers.
    const [oldest] = this.#avoided;
    if (this.#avoided.size > this.#configured.length + MAX_HINTED && oldest !== undefined) this.#avoided.delete(oldest);
  }

  /** The server has answered, or was named as the leader. Says nothing about the others. */
  trust(target: Target): void {
    this.#avoided.delete(target.key);
  }
}
