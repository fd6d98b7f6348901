// SPDX-License-Identifier: Apache-2.0
import type { QuorumRecord } from "./peer.ts";

/** A record that a peer did not acknowledge, and why. */
export interface DeadLetter<T> {
  readonly peerId: string;
  readonly record: QuorumRecord<T>;
  /** The failure text, `id_drift`, or `deadline_exceeded`. */
  readonly reason: string;
}

/** Default number of letters that are kept. */
export const DEFAULT_DEAD_LETTERS_MAX = 10_000;

/**
 * What peers still lack, in memory, one letter for each peer and record, oldest first. It is bounded: a full
 * queue gives up its oldest letter, which only a catch-up of the peer from the local store can
 * make good.
 */
export class DeadLetters<T> {
  readonly #max: number;
  readonly #letters = new Map<string, DeadLetter<T>>();

  /** @throws RangeError unless `max` is a whole number from 1 on. */
  constructor(max: number = DEFAULT_DEAD_LETTERS_MAX) {
    if (!Number.isSafeInteger(max) || max < 1) {
      throw new RangeError(`expected the number of dead letters to keep as a whole number from 1 on, got ${max}`);
    }
    this.#max = max;
  }

  get size(): number {
    return this.#letters.size;
  }

  /** The letters, oldest first; a copy. */
  list(): readonly DeadLetter<T>[] {
    return [...this.#letters.values()];
  }

  /** Adds a letter, or renews the reason of the one for the same peer and record. Returns what had to go. */
  push(letter: DeadLetter<T>): DeadLetter<T> | undefined {
    const key = keyOf(letter.peerId, letter.record.id);
    const isNew = !this.#letters.has(key);
    this.#letters.set(key, Object.freeze({ ...letter }));
    if (!isNew || this.#letters.size <= this.#max) return undefined;
    const [oldest] = this.#letters;
    if (oldest === undefined) return undefined;
    this.#letters.delete(oldest[0]);
    return oldest[1];
  }

  /** The peer has the record after all. */
  settle(peerId: string, recordId: string): void {
    this.#letters.delete(keyOf(peerId, recordId));
  }
}

function keyOf(peerId: string, recordId: string): string {
  return JSON.stringify([peerId, recordId]);
}
