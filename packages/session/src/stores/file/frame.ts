// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";

/**
 * How records lie in a file, one after the other. Numbers are big-endian.
 *
 * | bytes | what |
 * | --- | --- |
 * | 8 | `TSJR`, then the length of the payload |
 * | 8 | the place of the record in the file, so that a record that was moved is not one |
 * | 8 | checksum of the 16 bytes before |
 * | length | payload: a 4-byte length, as many bytes of JSON, and the rest raw |
 * | 8 | checksum of everything before |
 * | 8 | zeros; after the fsync of the record `TSJ-ACKD` |
 *
 * A checksum is the first 8 bytes of SHA-256. The last 8 bytes are what tells a torn tail from rot: they are written
 * only once the record is durable, so whatever stands before them was acknowledged.
 */
export interface Frame {
  readonly meta: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

const MAGIC = 0x54_53_4a_52;
const HEADER_BYTES = 24;
const CHECKSUM_BYTES = 8;
/** What is written behind a record when it is durable. */
export const ACKNOWLEDGED: Uint8Array = Buffer.from("TSJ-ACKD", "latin1");
/** What a record takes besides its payload. */
export const FRAME_OVERHEAD: number = HEADER_BYTES + CHECKSUM_BYTES + ACKNOWLEDGED.length;

/** The bytes of a record at this place. `acknowledged` where they become durable as a whole, by a rename. */
export function encodeFrame({ meta, body }: Frame, place: number, acknowledged: boolean): Uint8Array {
  const json = Buffer.from(JSON.stringify(meta), "utf8");
  const length = 4 + json.length + body.length;
  const bytes = Buffer.alloc(FRAME_OVERHEAD + length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(length, 4);
  bytes.writeBigUInt64BE(BigInt(place), 8);
  bytes.set(checksum(bytes.subarray(0, 16)), 16);
  bytes.writeUInt32BE(json.length, HEADER_BYTES);
  bytes.set(json, HEADER_BYTES + 4);
  bytes.set(body, HEADER_BYTES + 4 + json.length);
  const end = HEADER_BYTES + length;
  bytes.set(checksum(bytes.subarray(0, end)), end);
  if (acknowledged) bytes.set(ACKNOWLEDGED, end + CHECKSUM_BYTES);
  return bytes;
}

/** What stands at one place of a file. */
export type FrameFound =
  | { readonly kind: "frame"; readonly frame: Frame; readonly end: number; readonly acknowledged: boolean }
  /** What a crash left of a record that was never acknowledged. */
  | { readonly kind: "torn" }
  /** Not what was written. */
  | { readonly kind: "rotten"; readonly why: string };

/**
 * Reads the record at `place`, which is before the end of `bytes`. A tail is torn only if nothing speaks for its having
 * been acknowledged: it is the last record, incomplete or not what its checksum says, and without the mark behind it.
 */
export function decodeFrame(bytes: Uint8Array, place: number, maxPayloadBytes: number): FrameFound {
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset + place, bytes.length - place);
  if (rest.length < HEADER_BYTES) return { kind: "torn" };
  const header = rest.subarray(0, 16);
  const named = header.readUInt32BE(0) === MAGIC && header.readBigUInt64BE(8) === BigInt(place);
  if (!named || !checksum(header).equals(rest.subarray(16, HEADER_BYTES))) {
    // A size that reached the medium before the bytes leaves zeros.
    const blank = rest.subarray(0, HEADER_BYTES).every((byte) => byte === 0);
    if (blank && rest.length <= FRAME_OVERHEAD + maxPayloadBytes && !endsAcknowledged(rest)) return { kind: "torn" };
    return { kind: "rotten", why: `no record begins at byte ${place}` };
  }
  const length = header.readUInt32BE(4);
  const size = FRAME_OVERHEAD + length;
  if (rest.length < size) return { kind: "torn" };
  const record = rest.subarray(0, size);
  const end = HEADER_BYTES + length;
  const acknowledged = endsAcknowledged(record);
  if (!checksum(record.subarray(0, end)).equals(record.subarray(end, end + CHECKSUM_BYTES))) {
    if (rest.length === size && !acknowledged) return { kind: "torn" };
    return { kind: "rotten", why: `the record at byte ${place} does not match its checksum` };
  }
  const frame = parsePayload(record.subarray(HEADER_BYTES, end));
  if (frame === undefined) return { kind: "rotten", why: `the record at byte ${place} cannot be read` };
  return { kind: "frame", frame, end: place + size, acknowledged };
}

function parsePayload(payload: Buffer): Frame | undefined {
  const length = payload.length < 4 ? -1 : payload.readUInt32BE(0);
  if (length < 0 || 4 + length > payload.length) return undefined;
  try {
    const meta: unknown = JSON.parse(payload.toString("utf8", 4, 4 + length));
    if (typeof meta !== "object" || meta === null) return undefined;
    return { meta: meta as Frame["meta"], body: Uint8Array.from(payload.subarray(4 + length)) };
  } catch {
    return undefined;
  }
}

function endsAcknowledged(record: Buffer): boolean {
  return record.subarray(-ACKNOWLEDGED.length).equals(ACKNOWLEDGED);
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest().subarray(0, CHECKSUM_BYTES);
}
