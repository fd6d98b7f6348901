// SPDX-License-Identifier: Apache-2.0
import { invariant } from "./invariant.ts";
import { DEFAULT_SEQ_KEY_CAP, U64_MAX } from "./limits.ts";
import type { SeqEntry, SeqKey } from "./seq-key.ts";

export type DenseAdvance =
  | {
      readonly ok: true;
      /** The value of each counter before its advance, in request order. */
      readonly starts: readonly bigint[];
      /** What to make durable, all or nothing: each key's next value. */
      readonly updates: ReadonlyMap<SeqKey, bigint>;
    }
  | { readonly ok: false; readonly reason: "cardinality_exceeded"; readonly cap: number }
  | { readonly ok: false; readonly reason: "overflow"; readonly key: SeqKey };

/**
 * The counters of one store: a plain map with prepare and commit, so that a store can make the
 * updates durable in between. Dense means that no value is skipped and none is given out twice.
 */
export class DenseTable {
  readonly #next: Map<SeqKey, bigint>;
  /** The most keys there can ever be; fixed when the store is created. */
  readonly cap: number;

  constructor(entries: Iterable<readonly [SeqKey, bigint]> = [], cap: number = DEFAULT_SEQ_KEY_CAP) {
    this.#next = new Map(entries);
    this.cap = cap;
  }

  get size(): number {
    return this.#next.size;
  }

  /** The next value that will be handed out; zero for a key never advanced. */
  next(key: SeqKey): bigint {
    return this.#next.get(key) ?? 0n;
  }

  entries(): IterableIterator<[SeqKey, bigint]> {
    return this.#next.entries();
  }

  /**
   * What an atomic batch would do. A key that stands twice gets adjacent blocks. Changes nothing.
   *
   * @throws InvariantViolation for a count that `validateSeqRequest` refuses: a negative one
   * would turn the counter back.
   */
  prepare(entries: readonly SeqEntry[]): DenseAdvance {
    const newKeys = new Set(entries.filter(({ key }) => !this.#next.has(key)).map(({ key }) => key));
    if (newKeys.size > 0 && this.#next.size + newKeys.size > this.cap) {
      return { ok: false, reason: "cardinality_exceeded", cap: this.cap };
    }
    const updates = new Map<SeqKey, bigint>();
    const starts: bigint[] = [];
    for (const { key, count } of entries) {
      invariant(Number.isSafeInteger(count) && count >= 1, "a sequence block has at least one value");
      const start = updates.get(key) ?? this.next(key);
      const end = start + BigInt(count);
      if (end > U64_MAX) return { ok: false, reason: "overflow", key };
      starts.push(start);
      updates.set(key, end);
    }
    return { ok: true, starts, updates };
  }

  /**
   * Takes over updates that are now durable. Prepares and commits must not interleave.
   *
   * @throws InvariantViolation, changing nothing, when an update would turn a counter back.
   */
  commit(updates: ReadonlyMap<SeqKey, bigint>): void {
    for (const [key, next] of updates) invariant(next >= this.next(key), "a counter never goes back");
    for (const [key, next] of updates) this.#next.set(key, next);
  }
}
