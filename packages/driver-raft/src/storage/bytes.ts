// SPDX-License-Identifier: Apache-2.0

/** Bytes that cannot be what was written; says what was expected and what is there. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** Builds a file or record. All numbers are little-endian. */
export class ByteWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  /** A safe integer of 0 or more, in 8 bytes. */
  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`expected an integer from 0 to 2^53-1 to write, got ${String(value)}`);
    }
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** ASCII text of at most 255 characters, after its length in one byte. */
  text(value: string): this {
    return this.u8(value.length).bytes(Buffer.from(value, "latin1"));
  }

  /** Where the next byte goes. */
  get at(): number {
    return this.#at;
  }

  /** Leaves zeros up to `offset`. */
  skipTo(offset: number): this {
    if (offset < this.#at) throw new RangeError(`expected to skip ahead of byte ${this.#at}, got ${offset}`);
    this.#at = offset;
    return this;
  }

  /** What was written. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}

/** Reads what `ByteWriter` wrote; everything else is a `DecodeError`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): number {
    const value = Number(this.#view.getBigUint64(this.#advance(8), true));
    if (!Number.isSafeInteger(value)) throw new DecodeError(`expected an integer up to 2^53-1, found ${value}`);
    return value;
  }

  bytes(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.slice(start, start + count);
  }

  text(): string {
    return Buffer.from(this.bytes(this.u8())).toString("latin1");
  }

  #advance(count: number): number {
    if (this.left < count) throw new DecodeError(`expected ${count} more bytes, found ${this.left}`);
    const start = this.#at;
    this.#at += count;
    return start;
  }
}

/** Whether all of `bytes` from `start` on are zero. */
export function isZero(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  for (let index = start; index < end; index += 1) if (bytes[index] !== 0) return false;
  return true;
}

/** `value` rounded up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
