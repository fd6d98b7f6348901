// SPDX-License-Identifier: Apache-2.0
import { crc32c } from "./crc32c.ts";
import { FileDriverError, type FileDriverErrorCode } from "./file-driver-error.ts";

/** The three record files of a state directory. */
export type RecordFile = "state" | "dense" | "leases";

/** What all record files have in common: magic, version, payload, checksum (`tsoracle-behaviour.md` 6.1). */
export interface RecordLayout {
  readonly magic: string;
  /** Size of the smallest record, in bytes. */
  readonly minimumBytes: number;
}

const VERSION = 1;
const HEADER_BYTES = 5;
const CHECKSUM_BYTES = 4;

/** A refusal that names the file, the reason and what to do. */
export function refusedRecord(code: FileDriverErrorCode, path: string, reason: string): FileDriverError {
  return new FileDriverError(
    code,
    `${path} is refused: ${reason}. It was left as it is. Do not delete it to get going: the oracle would start ` +
      "again from zero. Restore the newest copy, or initialise an empty state directory with a seed above every " +
      "timestamp that was ever issued (tsoracle init --seed-physical-ms)",
    { path },
  );
}

/** Lays out a record front to back, all integers little-endian, and seals it with its checksum. */
export class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = HEADER_BYTES;

  /** `payloadBytes` is what will be put between the header and the checksum. */
  constructor(layout: RecordLayout, payloadBytes: number) {
    this.#bytes = new Uint8Array(HEADER_BYTES + payloadBytes + CHECKSUM_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    for (let index = 0; index < 4; index += 1) this.#bytes[index] = layout.magic.charCodeAt(index);
    this.#bytes[4] = VERSION;
  }

  u8(value: number): this {
    this.#view.setUint8(this.#offset, value);
    this.#offset += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#offset, value, true);
    this.#offset += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#offset, value, true);
    this.#offset += 4;
    return this;
  }

  u64(value: bigint): this {
    this.#view.setBigUint64(this.#offset, value, true);
    this.#offset += 8;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#offset);
    this.#offset += value.length;
    return this;
  }

  seal(): Uint8Array {
    this.u32(crc32c(this.#bytes.subarray(0, this.#offset)));
    return this.#bytes;
  }
}

/** Reads a record front to back; construction has checked length, magic, version and checksum, in that order. */
export class RecordReader {
  readonly path: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the payload ends and the checksum begins. */
  readonly #end: number;
  #offset = HEADER_BYTES;

  constructor(layout: RecordLayout, bytes: Uint8Array, path: string) {
    checkHeader(layout, bytes, path);
    this.path = path;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length - CHECKSUM_BYTES;
    const stored = this.#view.getUint32(this.#end, true);
    const computed = crc32c(bytes.subarray(0, this.#end));
    if (stored !== computed) {
      throw refusedRecord(
        "checksum_mismatch",
        path,
        `its checksum is ${hex32(stored)}, its content's is ${hex32(computed)}`,
      );
    }
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A copy, so that nothing decoded keeps the whole file alive. (`slice` of a Buffer is not one.) */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return Uint8Array.from(this.#bytes.subarray(start, start + length));
  }

  /** Refuses whatever follows the last field: decoding is canonical. */
  finish(): void {
    const rest = this.#end - this.#offset;
    if (rest > 0) {
      throw refusedRecord("trailing_bytes", this.path, `${rest} bytes follow the last entry`);
    }
  }

  #take(length: number): number {
    const start = this.#offset;
    if (start + length > this.#end) {
      throw refusedRecord("malformed", this.path, `an entry at byte ${start} reaches past the end of the record`);
    }
    this.#offset += length;
    return start;
  }
}

function checkHeader(layout: RecordLayout, bytes: Uint8Array, path: string): void {
  const { magic, minimumBytes } = layout;
  if (bytes.length < minimumBytes) {
    throw refusedRecord("too_short", path, `expected at least ${minimumBytes} bytes, got ${bytes.length}`);
  }
  const found = String.fromCharCode(...bytes.subarray(0, 4));
  if (found !== magic) {
    const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    throw refusedRecord("bad_magic", path, `expected it to begin with "${magic}", got bytes ${hex}`);
  }
  if (bytes[4] !== VERSION) {
    throw refusedRecord(
      "unsupported_version",
      path,
      `this release reads version ${VERSION}, the file is version ${bytes[4]}`,
    );
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}
