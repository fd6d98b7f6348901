// SPDX-License-Identifier: Apache-2.0
import { type BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Bytes from a peer that are not what its place in the protocol demands. The stream that carried them is ended. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** Writes protobuf fields; a value that is the default of its type is left out, as proto3 does. */
export class FieldWriter {
  readonly #writer = new BinaryWriter();

  number(field: number, value: number): this {
    if (value !== 0) this.#writer.tag(field, WireType.Varint).uint64(value);
    return this;
  }

  bool(field: number, value: boolean): this {
    if (value) this.#writer.tag(field, WireType.Varint).bool(true);
    return this;
  }

  text(field: number, value: string): this {
    if (value !== "") this.#writer.tag(field, WireType.LengthDelimited).string(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    if (value.length > 0) this.message(field, value);
    return this;
  }

  /** An embedded message, present even when it is empty. */
  message(field: number, value: Uint8Array): this {
    this.#writer.tag(field, WireType.LengthDelimited).bytes(value);
    return this;
  }

  messages(field: number, values: readonly Uint8Array[]): this {
    for (const value of values) this.message(field, value);
    return this;
  }

  packed(field: number, values: readonly number[]): this {
    if (values.length === 0) return this;
    const inner = new BinaryWriter();
    for (const value of values) inner.uint64(value);
    return this.message(field, inner.finish());
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** A term, an index or an id: at most 2^53-1 (S6). */
export function readNumber(reader: BinaryReader, what: string): number {
  const value = BigInt(reader.uint64());
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError(`${what}: expected at most 2^53-1, got ${value}`);
  return Number(value);
}

/** Far more members than a cluster has. */
export const MOST_IDS = 1_024;
const LONGEST_VARINT = 10;

/** Ids of a repeated field, packed or one at a time; a list that is too long is refused before it is read. */
export function readIds(reader: BinaryReader, type: WireType, into: number[], what: string): void {
  const isPacked = type === WireType.LengthDelimited;
  const end = isPacked ? reader.uint32() + reader.pos : reader.pos;
  if (end > reader.len) throw new WireError(`${what}: expected a list that fits the message`);
  if (into.length >= MOST_IDS || end - reader.pos > LONGEST_VARINT * MOST_IDS) throw tooMany(what);
  if (!isPacked) into.push(readNumber(reader, what));
  while (isPacked && reader.pos < end) into.push(readNumber(reader, what));
  if (into.length > MOST_IDS) throw tooMany(what);
}

export function tooMany(what: string): WireError {
  return new WireError(`${what}: expected at most ${MOST_IDS} of them`);
}

/** A copy, since the message it stands in is a large buffer that would stay alive with it. */
export function readBytes(reader: BinaryReader): Uint8Array {
  return Uint8Array.from(reader.bytes());
}
