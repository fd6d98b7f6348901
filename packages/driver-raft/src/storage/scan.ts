// SPDX-License-Identifier: Apache-2.0
import { alignUp, DecodeError, isZero } from "./bytes.ts";
import { SECTOR_BYTES } from "./device.ts";
import { LogState } from "./log-state.ts";
import { decodePayload, type Payload } from "./payload.ts";
import { type ChainPosition, readRecord } from "./record.ts";
import {
  type BatchMark,
  decodeSegmentHeader,
  markDifference,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentNumber,
} from "./segment.ts";
import { reasonOf } from "./storage-error.ts";

/** A segment as it was read. */
export interface SegmentBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A batch that is complete and intact, and where it lies. */
export interface FoundBatch {
  readonly mark: BatchMark;
  readonly segment: string;
  readonly start: number;
  readonly end: number;
}

/** Everything that the segments hold, up to the first thing that does not belong there. */
export interface Scan {
  readonly state: LogState;
  /** Before the first segment that is left. */
  readonly baseMark: BatchMark;
  readonly batches: readonly FoundBatch[];
  /** The header of the last segment that belongs to the chain. */
  readonly header: SegmentHeader;
  /** Where the chain ends, and what is there instead of another batch; `reason` undefined: nothing at all. */
  readonly stop: { readonly segment: string; readonly offset: number; readonly reason: string | undefined };
  /** Intact records that say what cannot be: no torn write does that. */
  readonly contradiction: { readonly segment: string; readonly offset: number; readonly reason: string } | undefined;
  /** Segments behind the end of the chain. */
  readonly strays: readonly string[];
}

type Failure = { readonly ok: false; readonly reason: string };

/**
 * Replays segments in their order. The first one must have an intact header.
 *
 * @throws DecodeError if the first header is not readable.
 */
export function scanSegments(segments: readonly SegmentBytes[]): Scan {
  const first = segments[0];
  if (first === undefined) throw new DecodeError("expected at least one segment, found none");
  return new Scanner(segments, readHeader(first)).run();
}

function readHeader({ name, bytes }: SegmentBytes): SegmentHeader {
  const header = decodeSegmentHeader(bytes);
  if (header.number !== segmentNumber(name)) {
    throw new DecodeError(`expected the header of ${name}, found that of segment ${header.number}`);
  }
  return header;
}

class Scanner {
  readonly #segments: readonly SegmentBytes[];
  readonly #state: LogState;
  readonly #batches: FoundBatch[] = [];
  readonly #baseMark: BatchMark;
  #header: SegmentHeader;
  #at = 0;
  #offset: number = SEGMENT_HEADER_BYTES;
  #mark: BatchMark;
  #contradiction: string | undefined;

  constructor(segments: readonly SegmentBytes[], header: SegmentHeader) {
    this.#segments = segments;
    this.#header = header;
    this.#baseMark = header.mark;
    this.#mark = header.mark;
    this.#state = new LogState(header.base);
  }

  run(): Scan {
    for (;;) {
      const batch = this.#readBatch();
      if (batch.ok) continue;
      const next = this.#contradiction === undefined ? this.#enterNext() : ({ ok: false, reason: "" } as const);
      if (next.ok) continue;
      return this.#finish(batch.blank === true ? next : batch);
    }
  }

  get #segment(): SegmentBytes {
    return this.#segments[this.#at] as SegmentBytes;
  }

  #finish(failure: Failure): Scan {
    const { name, bytes } = this.#segment;
    const strays = this.#segments.slice(this.#at + 1).map((segment) => segment.name);
    const clean = strays.length === 0 && bytes.length === this.#header.bytes && isZero(bytes, this.#offset);
    const reason = clean ? undefined : failure.reason || "found bytes that are not zero behind the last batch";
    const place = { segment: name, offset: this.#offset };
    return {
      state: this.#state,
      baseMark: this.#baseMark,
      batches: this.#batches,
      header: this.#header,
      stop: { ...place, reason },
      contradiction: this.#contradiction === undefined ? undefined : { ...place, reason: this.#contradiction },
      strays,
    };
  }

  /** The next segment takes the log over exactly where it stands, or it does not belong to it. */
  #enterNext(): { readonly ok: true } | Failure {
    const next = this.#segments[this.#at + 1];
    if (next === undefined) return { ok: false, reason: "" };
    let header: SegmentHeader;
    try {
      header = readHeader(next);
    } catch (error) {
      return { ok: false, reason: `${next.name}: ${reasonOf(error)}` };
    }
    const difference = header.number === this.#header.number + 1 ? markDifference(this.#mark, header.mark) : "a gap";
    if (difference !== undefined) return { ok: false, reason: `${next.name} does not follow: ${difference}` };
    this.#at += 1;
    this.#header = header;
    this.#offset = SEGMENT_HEADER_BYTES;
    return { ok: true };
  }

  #readBatch(): { readonly ok: true } | (Failure & { readonly blank?: boolean }) {
    const { bytes, name } = this.#segment;
    const payloads: Payload[] = [];
    let position: ChainPosition = {
      recordSeq: this.#mark.recordSeq + 1,
      batch: this.#mark.batch + 1,
      prevCrc: this.#mark.crc,
    };
    let offset = this.#offset;
    for (;;) {
      const record = readRecord(bytes, offset, position);
      if (record.kind === "blank") {
        if (payloads.length === 0) return { ok: false, blank: true, reason: "" };
        return { ok: false, reason: `expected the rest of batch ${position.batch}, found zeros at byte ${offset}` };
      }
      if (record.kind === "bad") return { ok: false, reason: record.reason };
      let payload: Payload;
      try {
        payload = decodePayload(record.type, record.payload);
      } catch (error) {
        this.#contradiction = reasonOf(error);
        return { ok: false, reason: this.#contradiction };
      }
      offset = record.end;
      if (payload.type === "end") {
        const end = alignUp(offset, SECTOR_BYTES);
        if (!isZero(bytes, offset, end)) return { ok: false, reason: `expected zeros up to byte ${end}` };
        payloads.push(payload);
        return this.#take(payloads, { ...payload.summary, ...markOf(position, record.crc) }, name, end);
      }
      payloads.push(payload);
      position = { ...position, recordSeq: position.recordSeq + 1, prevCrc: record.crc };
    }
  }

  #take(payloads: readonly Payload[], mark: BatchMark, segment: string, end: number): { ok: true } | Failure {
    for (const [index, payload] of payloads.entries()) {
      let problem = this.#state.apply(payload);
      if (payload.type === "end" && payload.records !== index) {
        problem = `expected a batch of ${payload.records} records, found ${index}`;
      }
      if (problem === undefined) continue;
      this.#contradiction = problem;
      return { ok: false, reason: problem };
    }
    this.#batches.push({ mark, segment, start: this.#offset, end });
    this.#mark = mark;
    this.#offset = end;
    return { ok: true };
  }
}

function markOf(position: ChainPosition, crc: number): { batch: number; recordSeq: number; crc: number } {
  return { batch: position.batch, recordSeq: position.recordSeq, crc };
}
