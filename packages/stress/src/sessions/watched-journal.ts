// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";

/** A call that takes longer is a store that does not answer. */
const SLOW_MS = 800;

/** Whether the store answers, as its user sees it: a worker that is cut off must not claim to be well. */
export class StoreHealth {
  readonly #monotonicMs: () => number;
  readonly #pending = new Set<number>();
  #isBad = false;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  get isWell(): boolean {
    const [oldest] = this.#pending;
    return !this.#isBad && (oldest === undefined || this.#monotonicMs() - oldest < SLOW_MS);
  }

  async watch<T>(call: () => Promise<T>): Promise<T> {
    // Two calls of one instant would be one in the set.
    let began = this.#monotonicMs();
    while (this.#pending.has(began)) began += 1e-6;
    this.#pending.add(began);
    try {
      const answer = await call();
      this.#isBad = false;
      return answer;
    } catch (error) {
      const { code } = JournalError.from(error);
      this.#isBad = code === "transient" || code === "uncertain";
      throw error;
    } finally {
      this.#pending.delete(began);
    }
  }
}

/** The same journal; every answer of it is looked at. */
export function watchedJournal(journal: FencedJournal, health: StoreHealth): FencedJournal {
  return {
    name: journal.name,
    limits: journal.limits,
    load: (...call) => health.watch(() => journal.load(...call)),
    createIfAbsent: (...call) => health.watch(() => journal.createIfAbsent(...call)),
    takeover: (...call) => health.watch(() => journal.takeover(...call)),
    append: (...call) => health.watch(() => journal.append(...call)),
    putSnapshot: (...call) => health.watch(() => journal.putSnapshot(...call)),
    truncateThrough: (...call) => health.watch(() => journal.truncateThrough(...call)),
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
  };
}
