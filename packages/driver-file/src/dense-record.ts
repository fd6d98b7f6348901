// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP, MAX_SEQ_KEY_BYTES, parseSeqKey, type SeqKey } from "@tsoracle/core";
import { type RecordLayout, RecordReader, RecordWriter, refusedRecord } from "./record.ts";

const layout: RecordLayout = { magic: "TSOD", minimumBytes: 21 };
const FIXED_BYTES = 12;
const ENTRY_BYTES = 10;

/** A counter as it is stored. */
export interface DenseEntry {
  readonly key: SeqKey;
  /** The key in UTF-8: entries are ordered by it, which is not the order of JavaScript strings. */
  readonly keyBytes: Uint8Array;
  /** The next value that will be handed out. */
  readonly next: bigint;
}

export interface DenseRecord {
  /** The most keys there can ever be; unsigned 64-bit, stored and immutable. */
  readonly cap: bigint;
  /** In strictly ascending order of `keyBytes`. */
  readonly entries: readonly DenseEntry[];
}

/** What a missing `dense` file means. */
export const EMPTY_DENSE: DenseRecord = Object.freeze({ cap: BigInt(DEFAULT_SEQ_KEY_CAP), entries: Object.freeze([]) });

/** `"TSOD" 01 | u64 cap | u32 n | n x (u16 len | key | u64 next) | u32 crc`. */
export function encodeDense(record: DenseRecord): Uint8Array {
  const { cap, entries } = record;
  const payload = entries.reduce((sum, { keyBytes }) => sum + ENTRY_BYTES + keyBytes.length, FIXED_BYTES);
  const writer = new RecordWriter(layout, payload).u64(cap).u32(entries.length);
  for (const { keyBytes, next } of entries) writer.u16(keyBytes.length).bytes(keyBytes).u64(next);
  return writer.seal();
}

/**
 * The counters in a `dense` file.
 *
 * @throws FileDriverError for everything that {@link encodeDense} does not write.
 */
export function decodeDense(bytes: Uint8Array, path: string): DenseRecord {
  const reader = new RecordReader(layout, bytes, path);
  const cap = reader.u64();
  const count = reader.u32();
  const entries: DenseEntry[] = [];
  let previous: Uint8Array | undefined;
  for (let index = 0; index < count; index += 1) {
    const keyBytes = reader.bytes(reader.u16());
    const key = decodeKey(keyBytes, path);
    if (previous !== undefined && Buffer.compare(previous, keyBytes) >= 0) {
      throw refusedRecord("malformed", path, `its keys are not in strictly ascending order at "${key}"`);
    }
    entries.push({ key, keyBytes, next: reader.u64() });
    previous = keyBytes;
  }
  reader.finish();
  return { cap, entries };
}

function decodeKey(keyBytes: Uint8Array, path: string): SeqKey {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(keyBytes);
  } catch {
    throw refusedRecord(
      "non_utf8_key",
      path,
      `it holds a key that is not UTF-8: ${Buffer.from(keyBytes).toString("hex")}`,
    );
  }
  const parsed = parseSeqKey(text);
  if (!parsed.ok) {
    throw refusedRecord("malformed", path, `expected keys of 1 to ${MAX_SEQ_KEY_BYTES} bytes, got ${keyBytes.length}`);
  }
  return parsed.key;
}
