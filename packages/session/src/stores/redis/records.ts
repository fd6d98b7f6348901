// SPDX-License-Identifier: Apache-2.0
import {
  checkJournalFence,
  checkJournalTs,
  type JournalFence,
  type JournalRecord,
  type JournalSnapshot,
} from "@tsoracle/consensus";
import { digits } from "./ballot.ts";

const U64 = 20;
const LENGTH = 4;

/** An entry as it stands in a node, without its number, which is its name there. */
export function packEntry({ epoch, owner, ts, entry }: Omit<JournalRecord, "seq">): Buffer {
  return packed([digits(ts)], { epoch, owner }, entry);
}

/** @throws TypeError or JournalError for anything else */
export function unpackEntry(seq: number, bytes: Uint8Array): JournalRecord {
  const { text, fence, rest } = unpacked(bytes, U64);
  return { seq, ...fence, ts: checkJournalTs(BigInt(text)), entry: rest };
}

/** A snapshot as it stands in a node, without its number, which is in the head. */
export function packSnapshot({ epoch, owner, bytes }: Omit<JournalSnapshot, "seq">): Buffer {
  return packed([], { epoch, owner }, bytes);
}

/** @throws TypeError or JournalError for anything else */
export function unpackSnapshot(seq: number, bytes: Uint8Array): JournalSnapshot {
  const { fence, rest } = unpacked(bytes, 0);
  return { seq, ...fence, bytes: rest };
}

function packed(numbers: readonly string[], { epoch, owner }: JournalFence, bytes: Uint8Array): Buffer {
  const name = Buffer.from(owner, "utf8");
  const front = `${numbers.join("")}${digits(epoch)}${String(name.length).padStart(LENGTH, "0")}`;
  return Buffer.concat([Buffer.from(front, "latin1"), name, bytes]);
}

function unpacked(
  bytes: Uint8Array,
  before: number,
): { readonly text: string; readonly fence: JournalFence; readonly rest: Uint8Array } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const front = buffer.toString("latin1", 0, before + U64 + LENGTH);
  if (!/^[0-9]+$/.test(front) || front.length !== before + U64 + LENGTH) {
    throw new TypeError("a record begins with its numbers");
  }
  const start = front.length + Number(front.slice(-LENGTH));
  if (buffer.length < start) throw new TypeError("a record is shorter than the name in it");
  const owner = buffer.toString("utf8", front.length, start);
  const epoch = BigInt(front.slice(before, before + U64));
  return {
    text: front.slice(0, before),
    fence: checkJournalFence({ epoch, owner }),
    rest: Uint8Array.from(buffer.subarray(start)),
  };
}
