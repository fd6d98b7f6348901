// SPDX-License-Identifier: Apache-2.0
import { alignUp, ByteWriter } from "./bytes.ts";
import { type BlockDevice, type Directory, SECTOR_BYTES, TEMPORARY_SUFFIX } from "./device.ts";
import type { LogState } from "./log-state.ts";
import { encodePayload, type Payload, payloadCode } from "./payload.ts";
import { RECORD_OVERHEAD_BYTES, writeRecord } from "./record.ts";
import {
  type BatchMark,
  encodeSegmentHeader,
  MAX_SEGMENT_BYTES,
  MIN_SEGMENT_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./segment.ts";
import { StorageError } from "./storage-error.ts";
import { encodeSlot, slotOffset } from "./watermark.ts";

/** A segment on disk, and the last index before it: once that is compacted, older segments hold nothing that counts. */
interface KnownSegment {
  readonly name: string;
  readonly bytes: number;
  readonly lastIndexBefore: number;
}

export interface WalStart {
  readonly directory: Directory;
  readonly storageId: string;
  readonly segmentBytes: number;
  readonly state: LogState;
  readonly mark: BatchMark;
  readonly header: SegmentHeader;
  readonly writeAt: number;
  readonly segments: readonly KnownSegment[];
  readonly active: BlockDevice;
  readonly watermark: BlockDevice;
}

/** A batch that may be written: it has been replayed on top of the state. */
export interface PlannedBatch {
  readonly payloads: readonly Payload[];
  readonly mark: BatchMark;
  readonly bytes: Uint8Array;
}

/** The one writer of log and watermark. Errors of the system pass through; the owner must not call again after one. */
export class WalWriter {
  readonly state: LogState;
  readonly #directory: Directory;
  readonly #storageId: string;
  readonly #segmentBytes: number;
  readonly #watermark: BlockDevice;
  #segments: KnownSegment[];
  #active: BlockDevice;
  #number: number;
  #capacity: number;
  #writeAt: number;
  #mark: BatchMark;

  constructor(start: WalStart) {
    this.state = start.state;
    this.#directory = start.directory;
    this.#storageId = start.storageId;
    this.#segmentBytes = start.segmentBytes;
    this.#watermark = start.watermark;
    this.#segments = [...start.segments];
    this.#active = start.active;
    this.#number = start.header.number;
    this.#capacity = start.header.bytes;
    this.#writeAt = start.writeAt;
    this.#mark = start.mark;
  }

  get durableBatch(): number {
    return this.#mark.batch;
  }

  get logBytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Lays the batch out.
   *
   * @throws StorageError `invalid_batch` if the log must not look like that, or the batch is too large.
   */
  plan(payloads: readonly Payload[], from: LogState): PlannedBatch {
    for (const payload of payloads) refuse(from.apply(payload));
    const summary = from.summary();
    const end: Payload = { type: "end", records: payloads.length, summary };
    refuse(from.apply(end));
    const all = [...payloads, end];
    const encoded = all.map(encodePayload);
    const used = encoded.reduce((sum, { length }) => sum + RECORD_OVERHEAD_BYTES + length, 0);
    const total = alignUp(used, SECTOR_BYTES);
    if (total > MAX_SEGMENT_BYTES - SEGMENT_HEADER_BYTES) {
      refuse(`expected a batch of at most ${MAX_SEGMENT_BYTES - SEGMENT_HEADER_BYTES} bytes, got ${total}`);
    }
    const writer = new ByteWriter(total);
    const batch = this.#mark.batch + 1;
    let { recordSeq, crc } = this.#mark;
    for (const [index, payload] of all.entries()) {
      recordSeq += 1;
      crc = writeRecord(writer, payloadCode(payload), encoded[index] as Uint8Array, { recordSeq, batch, prevCrc: crc });
    }
    return { payloads, mark: { ...summary, batch, recordSeq, crc }, bytes: writer.skipTo(total).finish() };
  }

  /** Makes a planned batch durable in the order of C3, and returns its number: from then on answers may leave. */
  persist({ payloads, mark, bytes }: PlannedBatch): number {
    if (this.#writeAt + bytes.length > this.#capacity) this.#rotate(bytes.length);
    this.#active.pwrite(bytes, this.#writeAt);
    this.#active.fdatasync();
    this.#watermark.pwrite(encodeSlot(mark, this.#storageId), slotOffset(mark.batch));
    this.#watermark.fdatasync();
    this.#writeAt += bytes.length;
    this.#mark = mark;
    for (const payload of payloads) this.state.apply(payload);
    return mark.batch;
  }

  /** Removes segments that hold nothing above `index`. One by one and oldest first: a crash leaves no gap. */
  dropSegments(index: number): void {
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || next.lastIndexBefore > index) return;
      this.#directory.remove(oldest.name);
      this.#directory.sync();
      this.#segments.shift();
    }
  }

  close(): void {
    this.#active.close();
    this.#watermark.close();
  }

  #rotate(batchBytes: number): void {
    const number = this.#number + 1;
    const bytes = Math.max(this.#segmentBytes, alignUp(SEGMENT_HEADER_BYTES + batchBytes, MIN_SEGMENT_BYTES));
    const base = this.state.base();
    const header = { number, bytes, storageId: this.#storageId, mark: this.#mark, base };
    const active = createSegment(this.#directory, header);
    this.#active.close();
    this.#active = active;
    this.#number = number;
    this.#capacity = bytes;
    this.#writeAt = SEGMENT_HEADER_BYTES;
    this.#segments.push({ name: segmentName(number), bytes, lastIndexBefore: base.lastIndex });
  }
}

/** A segment of zeros with its header, durable under its name; the caller closes it. */
export function createSegment(directory: Directory, header: SegmentHeader): BlockDevice {
  const name = segmentName(header.number);
  const file = directory.create(`${name}${TEMPORARY_SUFFIX}`);
  file.preallocate(header.bytes);
  file.pwrite(encodeSegmentHeader(header), 0);
  file.fdatasync();
  directory.rename(`${name}${TEMPORARY_SUFFIX}`, name);
  directory.sync();
  return file;
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new StorageError("invalid_batch", `${problem}; nothing was written`);
}
