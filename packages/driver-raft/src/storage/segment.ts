// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, DecodeError } from "./bytes.ts";
import { SECTOR_BYTES } from "./device.ts";
import type { LogBase } from "./log-state.ts";
import type { BatchSummary } from "./payload.ts";
import { type SealedKind, seal, unseal } from "./sealed.ts";
import { StorageError } from "./storage-error.ts";

export const DEFAULT_SEGMENT_BYTES: number = 4 * 1024 * 1024;
export const MIN_SEGMENT_BYTES = 4096;
/** A segment made for one large batch is never larger. */
export const MAX_SEGMENT_BYTES: number = 128 * 1024 * 1024;
/** The first sector; the first batch begins behind it. */
export const SEGMENT_HEADER_BYTES: number = SECTOR_BYTES;

const kind: SealedKind = { magic: "TSRS", version: 1 };
const FILE = /^wal-([0-9a-f]{14})$/;

/** How far the log is after a batch: what the watermark stores, and where the next batch must begin. */
export interface BatchMark extends BatchSummary {
  readonly batch: number;
  /** Number of the batch's last record. */
  readonly recordSeq: number;
  /** Checksum of that record, which chains over all before. */
  readonly crc: number;
}

/** The first sector of a segment. It repeats all that older segments amount to, so that they can be dropped. */
export interface SegmentHeader {
  /** The first segment is 1. */
  readonly number: number;
  readonly bytes: number;
  readonly storageId: string;
  /** After the last batch before this segment. */
  readonly mark: BatchMark;
  readonly base: LogBase;
}

export function segmentName(number: number): string {
  return `wal-${number.toString(16).padStart(14, "0")}`;
}

/** Undefined for a file that is no segment. */
export function segmentNumber(name: string): number | undefined {
  const digits = FILE.exec(name)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const { number, bytes, storageId, mark, base } = header;
  return seal(
    kind,
    0,
    (writer) => {
      writer.u64(number).u32(bytes).text(storageId);
      writer.u64(mark.batch).u64(mark.recordSeq).u32(mark.crc).u64(mark.lastIndex).u64(mark.lastTerm).u32(mark.digest);
      writer.u64(base.hardState.term).u64(base.hardState.vote).u64(base.hardState.commit).u64(base.bootCount);
      writer.u64(base.mark.index).u64(base.mark.term).u32(base.mark.crc);
    },
    SEGMENT_HEADER_BYTES,
  );
}

/** @throws DecodeError for everything that `encodeSegmentHeader` does not write. */
export function decodeSegmentHeader(segment: Uint8Array): SegmentHeader {
  const reader = unseal(kind, segment.subarray(0, SEGMENT_HEADER_BYTES));
  const number = reader.u64();
  const bytes = reader.u32();
  if (bytes < MIN_SEGMENT_BYTES || bytes > MAX_SEGMENT_BYTES || bytes % SECTOR_BYTES !== 0) {
    throw new DecodeError(`expected a segment size from ${MIN_SEGMENT_BYTES} to ${MAX_SEGMENT_BYTES}, found ${bytes}`);
  }
  const storageId = reader.text();
  const mark = readMark(reader);
  const hardState = { term: reader.u64(), vote: reader.u64(), commit: reader.u64() };
  const bootCount = reader.u64();
  const snapshot = { index: reader.u64(), term: reader.u64(), crc: reader.u32() };
  const { lastIndex, lastTerm } = mark;
  return { number, bytes, storageId, mark, base: { hardState, bootCount, mark: snapshot, lastIndex, lastTerm } };
}

/** Fields of a `BatchMark` in the order in which segments and the watermark hold them. */
export function readMark(reader: ByteReader): BatchMark {
  return {
    batch: reader.u64(),
    recordSeq: reader.u64(),
    crc: reader.u32(),
    lastIndex: reader.u64(),
    lastTerm: reader.u64(),
    digest: reader.u32(),
  };
}

/** What differs between two marks that should be the same, or undefined. */
export function markDifference(expected: BatchMark, found: BatchMark): string | undefined {
  for (const field of ["batch", "recordSeq", "crc", "lastIndex", "lastTerm", "digest"] as const) {
    if (expected[field] !== found[field]) return `expected ${field} ${expected[field]}, found ${found[field]}`;
  }
  return undefined;
}

/** @throws StorageError `invalid_option` */
export function checkSegmentBytes(bytes: number = DEFAULT_SEGMENT_BYTES): number {
  if (bytes >= MIN_SEGMENT_BYTES && bytes <= MAX_SEGMENT_BYTES && bytes % SECTOR_BYTES === 0) return bytes;
  throw new StorageError(
    "invalid_option",
    `expected a segment size from ${MIN_SEGMENT_BYTES} to ${MAX_SEGMENT_BYTES} bytes that is a multiple of ` +
      `${SECTOR_BYTES}, got ${String(bytes)}; nothing was written`,
  );
}
