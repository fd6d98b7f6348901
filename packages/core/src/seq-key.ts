// SPDX-License-Identifier: Apache-2.0
import { MAX_SEQ_KEY_BYTES } from "./limits.ts";

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
