// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "../types.ts";

// The protobuf numbers of the types are all below 128 and take one byte each.
const TAGS_AND_TYPE = 4;

/** Bytes of one entry in the protobuf encoding of raftpb; limits of size count these, as upstream does. */
export function entrySize(entry: Entry): number {
  const data = entry.data.length;
  const body = data === 0 ? 0 : 1 + varintSize(data) + data;
  return TAGS_AND_TYPE + varintSize(entry.term) + varintSize(entry.index) + body;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest /= 0x80) size++;
  return size;
}

export function entsSize(entries: readonly Entry[]): number {
  let size = 0;
  for (let i = 0; i < entries.length; i++) size += entrySize(entries[i] as Entry);
  return size;
}

/** Bytes of the data alone. */
export function payloadsSize(entries: readonly Entry[]): number {
  let size = 0;
  for (let i = 0; i < entries.length; i++) size += (entries[i] as Entry).data.length;
  return size;
}

/** How many entries from position `from` on, before `to`, fit into `maxSize` bytes; at least one, if there is one. */
export function fitting(entries: readonly Entry[], from: number, to: number, maxSize: number): number {
  if (from >= to || maxSize === Number.POSITIVE_INFINITY) return Math.max(0, to - from);
  let size = entrySize(entries[from] as Entry);
  for (let at = from + 1; at < to; at++) {
    size += entrySize(entries[at] as Entry);
    if (size > maxSize) return at - from;
  }
  return to - from;
}

/** The longest beginning that fits into `maxSize` bytes, at least one entry; the array itself if all fits. */
export function limitSize(entries: readonly Entry[], maxSize: number): readonly Entry[] {
  const count = fitting(entries, 0, entries.length, maxSize);
  return count === entries.length ? entries : entries.slice(0, count);
}
