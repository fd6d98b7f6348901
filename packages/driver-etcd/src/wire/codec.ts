// SPDX-License-Identifier: Apache-2.0
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** How one message is written and read. Unknown fields are skipped, as protobuf wants it. */
export interface Codec<T> {
  encode(message: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** One field: where it stands, what it is when it is absent, and how a value goes out and comes in. */
export interface Field<V> {
  readonly number: number;
  readonly absent: () => V;
  write(writer: BinaryWriter, number: number, value: V): void;
  read(reader: BinaryReader, wireType: WireType, before: V): V;
}

/** A message of these fields. A field that is undefined is not written; one that is zero is. */
export function message<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Codec<T> {
  const entries = Object.entries(fields) as [keyof T, Field<unknown>][];
  const byNumber = new Map(entries.map((entry) => [entry[1].number, entry]));
  return {
    encode: (value) => {
      const writer = new BinaryWriter();
      for (const [name, field] of entries) {
        if (value[name] !== undefined) field.write(writer, field.number, value[name]);
      }
      return writer.finish();
    },
    decode: (bytes) => {
      const reader = new BinaryReader(bytes);
      const read = Object.fromEntries(entries.map(([name, field]) => [name, field.absent()])) as T;
      while (reader.pos < reader.len) {
        const [number, wireType] = reader.tag();
        const entry = byNumber.get(number);
        if (entry === undefined) reader.skip(wireType);
        else (read[entry[0]] as unknown) = entry[1].read(reader, wireType, read[entry[0]]);
      }
      return read;
    },
  };
}

function scalar<V>(
  number: number,
  absent: V,
  write: (writer: BinaryWriter, value: V) => void,
  read: (reader: BinaryReader) => V,
  wireType: WireType,
): Field<V> {
  return {
    number,
    absent: () => absent,
    write: (writer, at, value) => write(writer.tag(at, wireType), value),
    read,
  };
}

const NO_BYTES: Uint8Array = new Uint8Array();

export const bytes = (number: number): Field<Uint8Array> =>
  scalar<Uint8Array>(
    number,
    NO_BYTES,
    (w, v) => void w.bytes(v),
    (r) => r.bytes(),
    WireType.LengthDelimited,
  );
export const string = (number: number): Field<string> =>
  scalar(
    number,
    "",
    (w, v) => void w.string(v),
    (r) => r.string(),
    WireType.LengthDelimited,
  );
export const bool = (number: number): Field<boolean> =>
  scalar(
    number,
    false,
    (w, v) => void w.bool(v),
    (r) => r.bool(),
    WireType.Varint,
  );
/** Enumerations go as numbers, which is what they are on the wire. */
export const enumeration = (number: number): Field<number> =>
  scalar(
    number,
    0,
    (w, v) => void w.int32(v),
    (r) => r.int32(),
    WireType.Varint,
  );
export const int64 = (number: number): Field<bigint> =>
  scalar(
    number,
    0n,
    (w, v) => void w.int64(v),
    (r) => BigInt(r.int64()),
    WireType.Varint,
  );
export const uint64 = (number: number): Field<bigint> =>
  scalar(
    number,
    0n,
    (w, v) => void w.uint64(v),
    (r) => BigInt(r.uint64()),
    WireType.Varint,
  );

/** A field that need not be there: of a request, or a member of a oneof. */
export function optional<V>(field: Field<V>): Field<V | undefined> {
  return {
    number: field.number,
    absent: () => undefined,
    write: (writer, number, value) => {
      if (value !== undefined) field.write(writer, number, value);
    },
    read: (reader, wireType, before) => field.read(reader, wireType, before ?? field.absent()),
  };
}

/** A message within a message. One that comes twice is read as its last; etcd sends none twice. */
export function nested<T>(number: number, codec: Codec<T>): Field<T> {
  return {
    number,
    absent: () => codec.decode(NO_BYTES),
    write: (writer, at, value) => void writer.tag(at, WireType.LengthDelimited).bytes(codec.encode(value)),
    read: (reader) => codec.decode(reader.bytes()),
  };
}

export function repeated<T>(number: number, codec: Codec<T>): Field<readonly T[]> {
  return {
    number,
    absent: () => [],
    write: (writer, at, values) => {
      for (const value of values) writer.tag(at, WireType.LengthDelimited).bytes(codec.encode(value));
    },
    read: (reader, _, before) => [...before, codec.decode(reader.bytes())],
  };
}

/** Packed, as proto3 writes repeated enumerations; read either way. */
export function enumerations(number: number): Field<readonly number[]> {
  return {
    number,
    absent: () => [],
    write: (writer, at, values) => {
      writer.tag(at, WireType.LengthDelimited).fork();
      for (const value of values) writer.int32(value);
      writer.join();
    },
    read: (reader, wireType, before) => {
      if (wireType === WireType.Varint) return [...before, reader.int32()];
      const end = reader.uint32() + reader.pos;
      const values = [...before];
      while (reader.pos < end) values.push(reader.int32());
      return values;
    },
  };
}
