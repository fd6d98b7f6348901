// SPDX-License-Identifier: Apache-2.0
import type { Entry, EntryType, HardState } from "../raft/types.ts";
import { ByteReader, ByteWriter, DecodeError } from "./bytes.ts";

/** A snapshot file that the log relies on from here on. */
export interface SnapshotMark {
  readonly index: number;
  readonly term: number;
  /** The checksum at the end of the file. */
  readonly crc: number;
}

/** What a record says, by type of record. */
export type Payload =
  /** Follows the last entry. */
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "hard_state"; readonly hardState: HardState }
  /** With `install` the log is replaced by the snapshot, without it the log stays. */
  | { readonly type: "snapshot"; readonly mark: SnapshotMark; readonly install: boolean }
  /** Everything from `from` on is dropped; entries that replace it follow in the same batch (P8). */
  | { readonly type: "overwrite"; readonly from: number; readonly previousTerm: number }
  | { readonly type: "boot"; readonly bootCount: number; readonly incarnation: string }
  /** Ends a batch, and says what the log holds after it. */
  | { readonly type: "end"; readonly records: number; readonly summary: BatchSummary };

/** The log after a batch, as the watermark repeats it (C2). */
export interface BatchSummary {
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly digest: number;
}

const ENTRY_TYPES: readonly EntryType[] = ["EntryNormal", "EntryConfChange", "EntryConfChangeV2"];
const ENTRY_FIXED_BYTES = 17;
/** What an entry takes on disk beside its data, without the frame of its record. */
export const ENTRY_HEAD_BYTES: number = ENTRY_FIXED_BYTES;

const codes = { entry: 1, hard_state: 2, snapshot: 3, overwrite: 4, boot: 5, end: 6 } as const;

/** The type as records carry it. */
export function payloadCode(payload: Payload): number {
  return codes[payload.type];
}

export function encodePayload(payload: Payload): Uint8Array {
  switch (payload.type) {
    case "entry": {
      const { index, term, type, data } = payload.entry;
      const writer = new ByteWriter(ENTRY_FIXED_BYTES + data.length);
      return writer.u64(index).u64(term).u8(ENTRY_TYPES.indexOf(type)).bytes(data).finish();
    }
    case "hard_state": {
      const { term, vote, commit } = payload.hardState;
      return new ByteWriter(24).u64(term).u64(vote).u64(commit).finish();
    }
    case "snapshot": {
      const { index, term, crc } = payload.mark;
      return new ByteWriter(21)
        .u64(index)
        .u64(term)
        .u32(crc)
        .u8(payload.install ? 1 : 0)
        .finish();
    }
    case "overwrite":
      return new ByteWriter(16).u64(payload.from).u64(payload.previousTerm).finish();
    case "boot":
      return new ByteWriter(9 + payload.incarnation.length).u64(payload.bootCount).text(payload.incarnation).finish();
    case "end": {
      const { lastIndex, lastTerm, digest } = payload.summary;
      return new ByteWriter(24).u32(payload.records).u64(lastIndex).u64(lastTerm).u32(digest).finish();
    }
    default:
      return payload satisfies never;
  }
}

/** @throws DecodeError for everything that `encodePayload` does not write. */
export function decodePayload(code: number, bytes: Uint8Array): Payload {
  const reader = new ByteReader(bytes);
  const payload = decodeBody(code, reader);
  if (reader.left > 0) throw new DecodeError(`expected the record to end, found ${reader.left} more bytes`);
  return payload;
}

function decodeBody(code: number, reader: ByteReader): Payload {
  switch (code) {
    case codes.entry: {
      const index = reader.u64();
      const term = reader.u64();
      const typeCode = reader.u8();
      const type = ENTRY_TYPES[typeCode];
      if (type === undefined) throw new DecodeError(`expected an entry type from 0 to 2, found ${typeCode}`);
      return { type: "entry", entry: { index, term, type, data: reader.bytes(reader.left) } };
    }
    case codes.hard_state:
      return { type: "hard_state", hardState: { term: reader.u64(), vote: reader.u64(), commit: reader.u64() } };
    case codes.snapshot: {
      const mark = { index: reader.u64(), term: reader.u64(), crc: reader.u32() };
      return { type: "snapshot", mark, install: reader.u8() === 1 };
    }
    case codes.overwrite:
      return { type: "overwrite", from: reader.u64(), previousTerm: reader.u64() };
    case codes.boot:
      return { type: "boot", bootCount: reader.u64(), incarnation: reader.text() };
    case codes.end: {
      const records = reader.u32();
      return {
        type: "end",
        records,
        summary: { lastIndex: reader.u64(), lastTerm: reader.u64(), digest: reader.u32() },
      };
    }
    default:
      throw new DecodeError(`expected a record type from 1 to 6, found ${code}`);
  }
}
