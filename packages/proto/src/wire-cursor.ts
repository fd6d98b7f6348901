// SPDX-License-Identifier: Apache-2.0
import { WireError } from "./wire-error.ts";

const MAX_GROUP_DEPTH = 100;
const TWO_32 = 4_294_967_296;

function truncated(): WireError {
  return new WireError("malformed", "expected a protobuf message, got one that ends in the middle of a field");
}

/**
 * Reads protobuf from a byte array. One cursor is used for message after message: making one for
 * each would cost more than the reading.
 */
export class WireCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** The halves of the last varint, as unsigned 32-bit integers. */
  low = 0;
  high = 0;

  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The last varint as a number, exact below 2^53 and never below 2^53 when it is not exact. */
  get number(): number {
    return this.high * TWO_32 + this.low;
  }

  /** The last varint, exact. */
  get bigint(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** Reads a varint of at most ten bytes into `low` and `high`; bits beyond 64 are dropped. */
  varint(): void {
    const bytes = this.#bytes;
    let byte = bytes[this.#at];
    if (byte !== undefined && byte < 0x80) {
      this.#at += 1;
      this.low = byte;
      this.high = 0;
      return;
    }
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index += 1) {
      byte = bytes[this.#at];
      if (byte === undefined) throw truncated();
      this.#at += 1;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw new WireError("malformed", "expected a varint of at most 10 bytes, got a longer one");
  }

  /** Reads a field's tag: `number << 3 | wire type`. */
  tag(): number {
    this.varint();
    const tag = this.low;
    if (this.high !== 0 || tag >>> 3 === 0 || (tag & 7) > 5) {
      throw new WireError("malformed", `expected a field tag, got ${this.number}`);
    }
    return tag;
  }

  /** Reads a length and that many bytes, as a view of the array that was opened. */
  delimited(): Uint8Array {
    this.varint();
    const start = this.#at;
    this.#advance(this.number);
    return this.#bytes.subarray(start, this.#at);
  }

  /** Skips the value of a field that the reader does not know, or whose wire type is not the known one. */
  skip(tag: number): void {
    this.#skip(tag, 0);
  }

  #skip(tag: number, depth: number): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.varint();
        this.#advance(this.number);
        return;
      case 3:
        this.#skipGroup(tag >>> 3, depth + 1);
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw new WireError("malformed", `expected a field, got the end of group ${tag >>> 3} that never began`);
    }
  }

  #skipGroup(field: number, depth: number): void {
    if (depth > MAX_GROUP_DEPTH) {
      throw new WireError("malformed", `expected at most ${MAX_GROUP_DEPTH} nested groups, got more`);
    }
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) !== 4) {
        this.#skip(tag, depth);
      } else if (tag >>> 3 === field) {
        return;
      } else {
        throw new WireError("malformed", `expected the end of group ${field}, got that of group ${tag >>> 3}`);
      }
    }
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw truncated();
  }
}
