// SPDX-License-Identifier: Apache-2.0
import { EPOCH_ZERO, type Epoch, epochFromHalves, epochToHalves } from "@tsoracle/core";
import { WireCursor } from "./wire-cursor.ts";
import { WireError } from "./wire-error.ts";

/**
 * The two messages of the hot path, by hand: four to ten times cheaper than generated code
 * (`performance.md` 4). The generated codec is the oracle of its tests.
 *
 * Reading is synchronous and takes all it needs from the cursor before it returns, so one cursor
 * and one remembered epoch serve every caller in the process.
 */

/** A `GetTsResponse` with its epoch joined. A grant of the core has this shape. */
export interface GetTsFields {
  /** Exact below 2^53; larger values, which no oracle issues, may be rounded but stay too large. */
  readonly physicalMs: number;
  readonly logicalStart: number;
  readonly count: number;
  readonly epoch: Epoch;
}

const U32_MAX = 0xffff_ffff;
const EMPTY: Buffer = Buffer.alloc(0);
const cursor = new WireCursor();

function checkUint(value: number, max: number, field: string): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new WireError("out_of_range", `expected ${field} as an integer from 0 to ${max}, got ${String(value)}`);
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let size = 5;
  for (let rest = Math.floor(value / 0x8_0000_0000); rest > 0; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value;
  let position = at;
  // Above 31 bits, bit operations would wrap.
  while (rest > 0x7fff_ffff) {
    into[position++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    into[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[position++] = rest;
  return position;
}

/**
 * Encodes a `GetTsRequest`.
 *
 * @throws WireError `out_of_range` unless `count` is an unsigned 32-bit integer.
 */
export function encodeGetTsRequest(count: number): Buffer {
  checkUint(count, U32_MAX, "count");
  if (count === 0) return EMPTY;
  const bytes = Buffer.allocUnsafe(1 + varintSize(count));
  bytes[0] = 0x08;
  writeVarint(bytes, 1, count);
  return bytes;
}

/**
 * Decodes a `GetTsRequest` to its count; zero when the field is absent.
 *
 * @throws WireError `malformed`.
 */
export function decodeGetTsRequest(bytes: Uint8Array): number {
  let count = 0;
  cursor.open(bytes);
  while (!cursor.done) {
    const tag = cursor.tag();
    if (tag === 0x08) {
      cursor.varint();
      count = cursor.low;
    } else {
      cursor.skip(tag);
    }
  }
  return count;
}

let encodedEpoch: Epoch = EPOCH_ZERO;
let encodedEpochBytes: Uint8Array = EMPTY;

function varint64(field: number, value: bigint): number[] {
  if (value === 0n) return [];
  const bytes = [field];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

/** Fields 4 and 5. A leader has one epoch, so the bytes of the last one nearly always fit. */
function epochBytes(epoch: Epoch): Uint8Array {
  if (epoch === encodedEpoch) return encodedEpochBytes;
  const { hi, lo } = epochToHalves(epoch);
  encodedEpochBytes = Uint8Array.from([...varint64(0x20, hi), ...varint64(0x28, lo)]);
  encodedEpoch = epoch;
  return encodedEpochBytes;
}

/**
 * Encodes a `GetTsResponse`, fields in order, zeros left out.
 *
 * @throws WireError `out_of_range` when a number does not fit its field.
 */
export function encodeGetTsResponse(fields: GetTsFields): Buffer {
  const { physicalMs, logicalStart, count } = fields;
  checkUint(physicalMs, Number.MAX_SAFE_INTEGER, "physical_ms");
  checkUint(logicalStart, U32_MAX, "logical_start");
  checkUint(count, U32_MAX, "count");
  const tail = epochBytes(fields.epoch);
  let size = tail.length;
  if (physicalMs !== 0) size += 1 + varintSize(physicalMs);
  if (logicalStart !== 0) size += 1 + varintSize(logicalStart);
  if (count !== 0) size += 1 + varintSize(count);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  if (physicalMs !== 0) {
    bytes[at++] = 0x08;
    at = writeVarint(bytes, at, physicalMs);
  }
  if (logicalStart !== 0) {
    bytes[at++] = 0x10;
    at = writeVarint(bytes, at, logicalStart);
  }
  if (count !== 0) {
    bytes[at++] = 0x18;
    at = writeVarint(bytes, at, count);
  }
  for (let index = 0; index < tail.length; index += 1) bytes[at++] = tail[index] as number;
  return bytes;
}

interface EpochWords {
  readonly hiHigh: number;
  readonly hiLow: number;
  readonly loHigh: number;
  readonly loLow: number;
  readonly epoch: Epoch;
}
let decodedEpoch: EpochWords = { hiHigh: 0, hiLow: 0, loHigh: 0, loLow: 0, epoch: EPOCH_ZERO };

function epochOfWords(hiHigh: number, hiLow: number, loHigh: number, loLow: number): Epoch {
  const last = decodedEpoch;
  if (last.loLow === loLow && last.loHigh === loHigh && last.hiLow === hiLow && last.hiHigh === hiHigh) {
    return last.epoch;
  }
  const epoch = epochFromHalves({
    hi: (BigInt(hiHigh) << 32n) | BigInt(hiLow),
    lo: (BigInt(loHigh) << 32n) | BigInt(loLow),
  });
  decodedEpoch = { hiHigh, hiLow, loHigh, loLow, epoch };
  return epoch;
}

/**
 * Decodes a `GetTsResponse`: fields in any order, the last of a repeated one wins, unknown ones are
 * skipped. Whether it answers the request is {@link grantFromResponse}'s question.
 *
 * @throws WireError `malformed`.
 */
export function decodeGetTsResponse(bytes: Uint8Array): GetTsFields {
  let physicalMs = 0;
  let logicalStart = 0;
  let count = 0;
  let hiHigh = 0;
  let hiLow = 0;
  let loHigh = 0;
  let loLow = 0;
  cursor.open(bytes);
  while (!cursor.done) {
    const tag = cursor.tag();
    switch (tag) {
      case 0x08:
        cursor.varint();
        physicalMs = cursor.number;
        break;
      case 0x10:
        cursor.varint();
        logicalStart = cursor.low;
        break;
      case 0x18:
        cursor.varint();
        count = cursor.low;
        break;
      case 0x20:
        cursor.varint();
        hiHigh = cursor.high;
        hiLow = cursor.low;
        break;
      case 0x28:
        cursor.varint();
        loHigh = cursor.high;
        loLow = cursor.low;
        break;
      default:
        cursor.skip(tag);
    }
  }
  return { physicalMs, logicalStart, count, epoch: epochOfWords(hiHigh, hiLow, loHigh, loLow) };
}
