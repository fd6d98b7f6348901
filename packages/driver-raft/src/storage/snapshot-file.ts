// SPDX-License-Identifier: Apache-2.0
import type { ConfState, Snapshot } from "../raft/types.ts";
import { type ByteReader, type ByteWriter, DecodeError } from "./bytes.ts";
import { type SealedKind, seal, unseal } from "./sealed.ts";

/** The state machine is small (E10); what is larger is a defect and is refused in both directions. */
export const MAX_SNAPSHOT_DATA_BYTES: number = 16 * 1024 * 1024;
const MAX_MEMBERS = 1024;

const kind: SealedKind = { magic: "TSRN", version: 1 };
const FILE = /^snapshot-([0-9a-f]{14})-([0-9a-f]{14})$/;

export interface SnapshotFile {
  readonly clusterId: string;
  readonly snapshot: Snapshot;
}

export function snapshotName(index: number, term: number): string {
  return `snapshot-${index.toString(16).padStart(14, "0")}-${term.toString(16).padStart(14, "0")}`;
}

/** Undefined for a file that is no snapshot. */
export function snapshotPosition(name: string): { readonly index: number; readonly term: number } | undefined {
  const match = FILE.exec(name);
  if (match === null) return undefined;
  return { index: Number.parseInt(match[1] as string, 16), term: Number.parseInt(match[2] as string, 16) };
}

/**
 * `"TSRN" | version | cluster id | u64 index | u64 term | u8 auto leave | 4 x (u32 n | n x u64) | u32 n | data | u32 crc`;
 * the lists are voters, learners, outgoing voters, next learners (E13). The high-water is part of the data.
 */
export function encodeSnapshot({ clusterId, snapshot }: SnapshotFile): Uint8Array {
  const { data, metadata } = snapshot;
  const lists = listsOf(metadata.confState);
  const size = 1 + clusterId.length + 17 + lists.reduce((sum, ids) => sum + 4 + 8 * ids.length, 0) + 4 + data.length;
  return seal(kind, size, (writer: ByteWriter) => {
    writer
      .text(clusterId)
      .u64(metadata.index)
      .u64(metadata.term)
      .u8(metadata.confState.autoLeave ? 1 : 0);
    for (const ids of lists) {
      writer.u32(ids.length);
      for (const id of ids) writer.u64(id);
    }
    writer.u32(data.length).bytes(data);
  });
}

/** @throws DecodeError for everything that `encodeSnapshot` does not write. */
export function decodeSnapshot(bytes: Uint8Array): SnapshotFile {
  const reader = unseal(kind, bytes);
  const clusterId = reader.text();
  const index = reader.u64();
  const term = reader.u64();
  const autoLeave = reader.u8() === 1;
  const voters = readIds(reader);
  const learners = readIds(reader);
  const votersOutgoing = readIds(reader);
  const learnersNext = readIds(reader);
  const length = reader.u32();
  if (length !== reader.left) throw new DecodeError(`expected ${length} bytes of data, found ${reader.left}`);
  const confState: ConfState = { voters, learners, votersOutgoing, learnersNext, autoLeave };
  return { clusterId, snapshot: { data: reader.bytes(length), metadata: { confState, index, term } } };
}

/** Why a snapshot cannot be stored, or undefined. */
export function snapshotProblem({ data, metadata }: Snapshot): string | undefined {
  if (!Number.isSafeInteger(metadata.index) || metadata.index < 1) {
    return `expected a snapshot index from 1 to 2^53-1, got ${String(metadata.index)}`;
  }
  if (!Number.isSafeInteger(metadata.term) || metadata.term < 0) {
    return `expected a snapshot term from 0 to 2^53-1, got ${String(metadata.term)}`;
  }
  if (data.length > MAX_SNAPSHOT_DATA_BYTES) {
    return `expected at most ${MAX_SNAPSHOT_DATA_BYTES} bytes in a snapshot, got ${data.length}`;
  }
  for (const ids of listsOf(metadata.confState)) {
    if (ids.length > MAX_MEMBERS) return `expected at most ${MAX_MEMBERS} members of a kind, got ${ids.length}`;
    const wrong = ids.find((id) => !Number.isSafeInteger(id) || id < 1);
    if (wrong !== undefined) return `expected node ids from 1 to 2^53-1, got ${String(wrong)}`;
  }
  return undefined;
}

function listsOf(confState: ConfState): readonly (readonly number[])[] {
  return [confState.voters, confState.learners, confState.votersOutgoing, confState.learnersNext];
}

function readIds(reader: ByteReader): number[] {
  const count = reader.u32();
  if (count > MAX_MEMBERS) throw new DecodeError(`expected at most ${MAX_MEMBERS} members of a kind, found ${count}`);
  return Array.from({ length: count }, () => reader.u64());
}
