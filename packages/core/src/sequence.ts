// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP, MAX_SEQ_KEY_BYTES, U64_MAX } from "./limits.ts";

declare const proof: unique symbol;

/** Names one dense sequence: 1 to 128 bytes of UTF-8. */
export type SeqKey = string & { readonly [proof]: "SeqKey" };

export type SeqKeyResult =
  | { readonly ok: true; readonly key: SeqKey }
  | { readonly ok: false; readonly reason: "seq_key_empty" }
  | { readonly ok: false; readonly reason: "seq_key_not_utf8" }
  | { readonly ok: false; readonly reason: "seq_key_too_long"; readonly bytes: number; readonly max: number };

/** Bytes of a well-formed string in UTF-8; counted here because the core has no encoder. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

/** A lone surrogate has no UTF-8 form: two different keys would be stored under one name. */
function isWellFormed(text: string): boolean {
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number;
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
  }
  return true;
}

/** The checked constructor. */
export function parseSeqKey(text: string): SeqKeyResult {
  if (text === "") return { ok: false, reason: "seq_key_empty" };
  if (!isWellFormed(text)) return { ok: false, reason: "seq_key_not_utf8" };
  const bytes = utf8Length(text);
  if (bytes > MAX_SEQ_KEY_BYTES) return { ok: false, reason: "seq_key_too_long", bytes, max: MAX_SEQ_KEY_BYTES };
  return { ok: true, key: text as SeqKey };
}

/** One entry of a sequence request. */
export interface SeqEntry {
  readonly key: SeqKey;
  readonly count: number;
}

export type SeqRequestResult =
  | { readonly ok: true; readonly entry: SeqEntry }
  | { readonly ok: false; readonly reason: "seq_count_zero" }
  | { readonly ok: false; readonly reason: "seq_count_too_large"; readonly count: number; readonly max: number }
  | (SeqKeyResult & { readonly ok: false });

/** Checks one entry in the order count, then key (`tsoracle-behaviour.md` 1.7). Leadership is the caller's to check first. */
export function validateSeqRequest(key: string, count: number, maxCount: number): SeqRequestResult {
  if (count === 0) return { ok: false, reason: "seq_count_zero" };
  if (!Number.isInteger(count) || count < 0 || count > maxCount) {
    return { ok: false, reason: "seq_count_too_large", count, max: maxCount };
  }
  const parsed = parseSeqKey(key);
  return parsed.ok ? { ok: true, entry: { key: parsed.key, count } } : parsed;
}

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

  /** What an atomic batch would do. A key that stands twice gets adjacent blocks. Changes nothing. */
  prepare(entries: readonly SeqEntry[]): DenseAdvance {
    const newKeys = new Set(entries.filter(({ key }) => !this.#next.has(key)).map(({ key }) => key));
    if (newKeys.size > 0 && this.#next.size + newKeys.size > this.cap) {
      return { ok: false, reason: "cardinality_exceeded", cap: this.cap };
    }
    const updates = new Map<SeqKey, bigint>();
    const starts: bigint[] = [];
    for (const { key, count } of entries) {
      const start = updates.get(key) ?? this.next(key);
      const end = start + BigInt(count);
      if (end > U64_MAX) return { ok: false, reason: "overflow", key };
      starts.push(start);
      updates.set(key, end);
    }
    return { ok: true, starts, updates };
  }

  /** Takes over updates that are now durable. */
  commit(updates: ReadonlyMap<SeqKey, bigint>): void {
    for (const [key, next] of updates) this.#next.set(key, next);
  }
}
