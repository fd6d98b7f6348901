// SPDX-License-Identifier: Apache-2.0
import { crc32 } from "node:zlib";
import { type ByteWriter, isZero } from "./bytes.ts";
import { hex } from "./sealed.ts";

/** `"TSRW"`, little-endian. */
const MAGIC = 0x5752_5354;
const VERSION = 1;
export const RECORD_HEADER_BYTES = 36;
const HEADER_CRC_AT = RECORD_HEADER_BYTES - 4;
/** What a record takes beside its payload. */
export const RECORD_OVERHEAD_BYTES: number = RECORD_HEADER_BYTES + 4;
/** No record is longer; a length above it is not believed, and nothing is allocated for it. */
export const MAX_RECORD_PAYLOAD_BYTES: number = 4 * 1024 * 1024;

/** Where a record stands in the chain (`raft.md` C1). */
export interface ChainPosition {
  /** Number of the next record; the first of a storage is 1. */
  readonly recordSeq: number;
  /** Number of the batch it belongs to. */
  readonly batch: number;
  /** Checksum of the record before, which covers that record's header and payload. */
  readonly prevCrc: number;
}

export type RecordRead =
  | {
      readonly kind: "record";
      readonly type: number;
      readonly payload: Uint8Array;
      readonly crc: number;
      readonly end: number;
    }
  /** Nothing was written here. */
  | { readonly kind: "blank" }
  | { readonly kind: "bad"; readonly reason: string };

/**
 * Appends a record: `u32 magic | u8 type | u8 version | u16 0 | u32 len | u32 prev_crc | u64 record_seq | u64 batch |
 * u32 crc of these | payload | u32 crc`, the last one over the payload and seeded with the header's.
 *
 * @returns the checksum that the next record names
 */
export function writeRecord(writer: ByteWriter, type: number, payload: Uint8Array, position: ChainPosition): number {
  if (payload.length > MAX_RECORD_PAYLOAD_BYTES) {
    throw new RangeError(`expected at most ${MAX_RECORD_PAYLOAD_BYTES} bytes in a record, got ${payload.length}`);
  }
  const start = writer.at;
  writer.u32(MAGIC).u8(type).u8(VERSION).u8(0).u8(0).u32(payload.length).u32(position.prevCrc);
  writer.u64(position.recordSeq).u64(position.batch);
  const headerCrc = crc32(writer.finish().subarray(start));
  const crc = crc32(payload, headerCrc);
  writer.u32(headerCrc).bytes(payload).u32(crc);
  return crc;
}

/** The record at `offset` of a segment, if it is exactly the one that must come at this place of the chain. */
export function readRecord(segment: Uint8Array, offset: number, expected: ChainPosition): RecordRead {
  if (isZero(segment, offset, Math.min(segment.length, offset + RECORD_HEADER_BYTES))) return { kind: "blank" };
  const left = segment.length - offset;
  if (left < RECORD_OVERHEAD_BYTES) return bad(`expected a record, found ${left} bytes that are not zero`);
  const view = new DataView(segment.buffer, segment.byteOffset + offset, left);
  const headerCrc = crc32(segment.subarray(offset, offset + HEADER_CRC_AT));
  if (view.getUint32(HEADER_CRC_AT, true) !== headerCrc) {
    return bad(`expected header checksum ${hex(headerCrc)}, found ${hex(view.getUint32(HEADER_CRC_AT, true))}`);
  }
  const problem = headerProblem(view, expected);
  if (problem !== undefined) return bad(problem);
  const length = view.getUint32(8, true);
  if (length > MAX_RECORD_PAYLOAD_BYTES || length > left - RECORD_OVERHEAD_BYTES) {
    return bad(`expected a record inside the segment, found a length of ${length} bytes with ${left} left`);
  }
  const payload = segment.slice(offset + RECORD_HEADER_BYTES, offset + RECORD_HEADER_BYTES + length);
  const crc = crc32(payload, headerCrc);
  const stored = view.getUint32(RECORD_HEADER_BYTES + length, true);
  if (stored !== crc) return bad(`expected checksum ${hex(crc)} of a record, found ${hex(stored)}`);
  return { kind: "record", type: view.getUint8(4), payload, crc, end: offset + RECORD_OVERHEAD_BYTES + length };
}

function headerProblem(view: DataView, expected: ChainPosition): string | undefined {
  const magic = view.getUint32(0, true);
  if (magic !== MAGIC) return `expected a record to begin with ${hex(MAGIC)}, found ${hex(magic)}`;
  if (view.getUint8(5) !== VERSION) return `expected record version ${VERSION}, found ${view.getUint8(5)}`;
  const recordSeq = view.getBigUint64(16, true);
  if (recordSeq !== BigInt(expected.recordSeq)) return `expected record ${expected.recordSeq}, found ${recordSeq}`;
  const batch = view.getBigUint64(24, true);
  if (batch !== BigInt(expected.batch)) return `expected a record of batch ${expected.batch}, found one of ${batch}`;
  const prevCrc = view.getUint32(12, true);
  if (prevCrc !== expected.prevCrc) {
    return `expected a record that follows checksum ${hex(expected.prevCrc)}, found one that follows ${hex(prevCrc)}`;
  }
  return undefined;
}

function bad(reason: string): RecordRead {
  return { kind: "bad", reason };
}
