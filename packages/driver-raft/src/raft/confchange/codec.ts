// SPDX-License-Identifier: Apache-2.0
// Configuration changes as bytes in entries: the protobuf messages ConfChange and ConfChangeV2 of raftpb, by hand,
// because the core imports nothing.
import type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  MarshalledConfChange,
} from "../conf-change.ts";
import { isConfChangeV2 } from "../conf-change.ts";
import { type Entry, emptyBytes } from "../types.ts";

// The numbers on the wire are the positions here.
const types: readonly ConfChangeType[] = [
  "ConfChangeAddNode",
  "ConfChangeRemoveNode",
  "ConfChangeUpdateNode",
  "ConfChangeAddLearnerNode",
];
const transitions: readonly ConfChangeTransition[] = [
  "ConfChangeTransitionAuto",
  "ConfChangeTransitionJointImplicit",
  "ConfChangeTransitionJointExplicit",
];

/** Bytes of an entry that are not a configuration change; such an entry can only come from a defect or from rot. */
export class ConfChangeDecodeError extends Error {
  override readonly name: string = "ConfChangeDecodeError";
}

/**
 * The entry type and data that carry a change; undefined stands for leaving the joint configuration, without data,
 * so that no limit of size can refuse it.
 */
export function encodeConfChange(change: ConfChange | ConfChangeV2 | undefined): MarshalledConfChange {
  if (change === undefined) return { type: "EntryConfChangeV2", data: emptyBytes };
  const bytes: number[] = [];
  if (isConfChangeV2(change)) {
    field(bytes, 1, transitions.indexOf(change.transition));
    for (const { type, nodeId } of change.changes) {
      const single: number[] = [];
      field(single, 1, types.indexOf(type));
      field(single, 2, nodeId);
      chunk(bytes, 2, single);
    }
    if (change.context.length > 0) chunk(bytes, 3, change.context);
    return { type: "EntryConfChangeV2", data: Uint8Array.from(bytes) };
  }
  field(bytes, 1, change.id);
  field(bytes, 2, types.indexOf(change.type));
  field(bytes, 3, change.nodeId);
  if (change.context.length > 0) chunk(bytes, 4, change.context);
  return { type: "EntryConfChange", data: Uint8Array.from(bytes) };
}

/**
 * The change that an entry of a configuration type carries.
 *
 * @throws ConfChangeDecodeError for other entries and for data that is no such change.
 */
export function decodeConfChange(entry: Pick<Entry, "type" | "data">): ConfChange | ConfChangeV2 {
  switch (entry.type) {
    case "EntryConfChange":
      return decodeConfChangeV1(entry.data);
    case "EntryConfChangeV2":
      return decodeConfChangeV2(entry.data);
    case "EntryNormal":
      throw new ConfChangeDecodeError("an EntryNormal holds no configuration change");
    default:
      throw new ConfChangeDecodeError(`unknown entry type ${String(entry.type satisfies never)}`);
  }
}

export function decodeConfChangeV1(data: Uint8Array): ConfChange {
  const change: ConfChange = { id: 0, type: "ConfChangeAddNode", nodeId: 0, context: emptyBytes };
  const reader = new Reader(data);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) change.id = reader.varint();
    else if (tag === 0x10) change.type = named(types, reader.varint(), "type");
    else if (tag === 0x18) change.nodeId = reader.varint();
    else if (tag === 0x22) change.context = reader.chunk();
    else reader.skip(tag);
  }
  return change;
}

export function decodeConfChangeV2(data: Uint8Array): ConfChangeV2 {
  const changes: ConfChangeSingle[] = [];
  const change: ConfChangeV2 = { transition: "ConfChangeTransitionAuto", changes, context: emptyBytes };
  const reader = new Reader(data);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) change.transition = named(transitions, reader.varint(), "transition");
    else if (tag === 0x12) changes.push(decodeSingle(reader.chunk()));
    else if (tag === 0x1a) change.context = reader.chunk();
    else reader.skip(tag);
  }
  return change;
}

function decodeSingle(data: Uint8Array): ConfChangeSingle {
  const single: ConfChangeSingle = { type: "ConfChangeAddNode", nodeId: 0 };
  const reader = new Reader(data);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) single.type = named(types, reader.varint(), "type");
    else if (tag === 0x10) single.nodeId = reader.varint();
    else reader.skip(tag);
  }
  return single;
}

function named<T>(names: readonly T[], value: number, what: string): T {
  const name = names[value];
  if (name === undefined) throw new ConfChangeDecodeError(`${what} must be below ${names.length}, got ${value}`);
  return name;
}

function varint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function field(bytes: number[], number: number, value: number): void {
  bytes.push(number << 3);
  varint(bytes, value);
}

function chunk(bytes: number[], number: number, data: ArrayLike<number>): void {
  bytes.push((number << 3) | 2);
  varint(bytes, data.length);
  for (let i = 0; i < data.length; i++) bytes.push(data[i] as number);
}

/** Reads protobuf fields; every method throws ConfChangeDecodeError where the data ends too early. */
class Reader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** The next field; 0 at the end. */
  tag(): number {
    if (this.#at === this.#data.length) return 0;
    const tag = this.varint();
    if (tag < 8) throw new ConfChangeDecodeError("a field has the number 0");
    return tag;
  }

  /** Node ids and numbers must be safe integers (`raft.md` S6). */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let length = 0; length < 10; length++) {
      const byte = this.#data[this.#at++];
      if (byte === undefined) throw new ConfChangeDecodeError("the data ends inside a number");
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
      if (byte >= 0x80) continue;
      if (!Number.isSafeInteger(value)) throw new ConfChangeDecodeError("a number is above 2^53 - 1");
      return value;
    }
    throw new ConfChangeDecodeError("a number is longer than ten bytes");
  }

  chunk(): Uint8Array {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#data.length) throw new ConfChangeDecodeError("the data ends inside a field");
    const bytes = new Uint8Array(this.#data.subarray(this.#at, end));
    this.#at = end;
    return bytes;
  }

  /** Fields of later versions are ignored. */
  skip(tag: number): void {
    const kind = tag % 8;
    if (kind === 0) this.varint();
    else if (kind === 2) this.chunk();
    else if (kind === 1 || kind === 5) {
      this.#at += kind === 1 ? 8 : 4;
      if (this.#at > this.#data.length) throw new ConfChangeDecodeError("the data ends inside a field");
    } else throw new ConfChangeDecodeError(`unknown kind of field ${kind}`);
  }
}
