// SPDX-License-Identifier: Apache-2.0
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  type ConfState,
  type Entry,
  type EntryType,
  emptyConfState,
  type Message,
  type MessageType,
  newEntry,
  newMessage,
  type Snapshot,
} from "../raft/types.ts";
import { FieldWriter, readBytes, readIds, readNumber, WireError } from "./wire.ts";

// Field and enum numbers are those of raftpb.proto of etcd-io/raft, so that its tools can read a capture.

/** The messages that travel between nodes; all others are a node's own business. */
export type PeerMessageType =
  | "MsgApp"
  | "MsgAppResp"
  | "MsgVote"
  | "MsgVoteResp"
  | "MsgSnap"
  | "MsgHeartbeat"
  | "MsgHeartbeatResp"
  | "MsgTimeoutNow"
  | "MsgReadIndex"
  | "MsgReadIndexResp"
  | "MsgPreVote"
  | "MsgPreVoteResp";

const WIRE_TYPES: Readonly<Record<PeerMessageType, number>> = {
  MsgApp: 3,
  MsgAppResp: 4,
  MsgVote: 5,
  MsgVoteResp: 6,
  MsgSnap: 7,
  MsgHeartbeat: 8,
  MsgHeartbeatResp: 9,
  MsgTimeoutNow: 14,
  MsgReadIndex: 15,
  MsgReadIndexResp: 16,
  MsgPreVote: 17,
  MsgPreVoteResp: 18,
};

const TYPE_OF = new Map<number, PeerMessageType>(
  Object.entries(WIRE_TYPES).map(([type, number]) => [number, type as PeerMessageType]),
);
const ENTRY_TYPES: readonly EntryType[] = ["EntryNormal", "EntryConfChange", "EntryConfChangeV2"];

/** Whether a message has a form on the wire. */
export function isPeerMessage(type: MessageType): type is PeerMessageType {
  return Object.hasOwn(WIRE_TYPES, type);
}

/** @throws WireError for a message that must not leave its node. */
export function encodeMessage(message: Message): Uint8Array {
  if (!isPeerMessage(message.type)) throw new WireError(`expected a message between nodes, got ${message.type}`);
  const fields = new FieldWriter()
    .number(1, WIRE_TYPES[message.type])
    .number(2, message.to)
    .number(3, message.from)
    .number(4, message.term)
    .number(5, message.logTerm)
    .number(6, message.index);
  for (const entry of message.entries) fields.message(7, encodeEntry(entry));
  fields.number(8, message.commit);
  if (message.snapshot !== undefined) fields.message(9, encodeSnapshot(message.snapshot));
  return fields
    .bool(10, message.reject)
    .number(11, message.rejectHint)
    .bytes(12, message.context)
    .number(13, message.vote)
    .finish();
}

/** Unknown fields are passed over (X4). @throws WireError */
export function decodeMessage(bytes: Uint8Array): Message {
  try {
    return readMessage(new BinaryReader(bytes));
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError("expected a whole protobuf message of a peer", { cause: error });
  }
}

function readMessage(reader: BinaryReader): Message {
  let type: PeerMessageType | undefined;
  const message = newMessage("MsgHeartbeat");
  const entries: Entry[] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    switch (field) {
      case 1:
        type = TYPE_OF.get(readNumber(reader, "message type"));
        break;
      case 2:
        message.to = readNumber(reader, "addressee");
        break;
      case 3:
        message.from = readNumber(reader, "sender");
        break;
      case 4:
        message.term = readNumber(reader, "term");
        break;
      case 5:
        message.logTerm = readNumber(reader, "term of the log");
        break;
      case 6:
        message.index = readNumber(reader, "index");
        break;
      case 7:
        entries.push(decodeEntry(reader.bytes()));
        break;
      case 8:
        message.commit = readNumber(reader, "commit index");
        break;
      case 9:
        message.snapshot = decodeSnapshot(reader.bytes());
        break;
      case 10:
        message.reject = reader.bool();
        break;
      case 11:
        message.rejectHint = readNumber(reader, "hint");
        break;
      case 12:
        message.context = readBytes(reader);
        break;
      case 13:
        message.vote = readNumber(reader, "vote");
        break;
      default:
        reader.skip(wire);
    }
  }
  if (type === undefined) throw new WireError("expected a type of message that travels between nodes");
  return { ...message, type, entries };
}

function encodeEntry({ type, term, index, data }: Entry): Uint8Array {
  return new FieldWriter()
    .number(1, ENTRY_TYPES.indexOf(type))
    .number(2, term)
    .number(3, index)
    .bytes(4, data)
    .finish();
}

function decodeEntry(bytes: Uint8Array): Entry {
  const reader = new BinaryReader(bytes);
  const entry = newEntry();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) entry.type = entryType(readNumber(reader, "entry type"));
    else if (field === 2) entry.term = readNumber(reader, "term of an entry");
    else if (field === 3) entry.index = readNumber(reader, "index of an entry");
    else if (field === 4) entry.data = readBytes(reader);
    else reader.skip(wire);
  }
  return entry;
}

function entryType(number: number): EntryType {
  const type = ENTRY_TYPES[number];
  if (type === undefined) throw new WireError(`expected an entry type in 0..=2, got ${number}`);
  return type;
}

function encodeSnapshot({ data, metadata }: Snapshot): Uint8Array {
  const { confState, index, term } = metadata;
  const inner = new FieldWriter().message(1, encodeConfState(confState)).number(2, index).number(3, term).finish();
  return new FieldWriter().bytes(1, data).message(2, inner).finish();
}

function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new BinaryReader(bytes);
  const snapshot: Snapshot = { data: new Uint8Array(), metadata: { confState: emptyConfState, index: 0, term: 0 } };
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) snapshot.data = readBytes(reader);
    else if (field === 2) snapshot.metadata = decodeMetadata(reader.bytes());
    else reader.skip(wire);
  }
  return snapshot;
}

function decodeMetadata(bytes: Uint8Array): Snapshot["metadata"] {
  const reader = new BinaryReader(bytes);
  const metadata = { confState: emptyConfState, index: 0, term: 0 };
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) metadata.confState = decodeConfState(reader.bytes());
    else if (field === 2) metadata.index = readNumber(reader, "index of a snapshot");
    else if (field === 3) metadata.term = readNumber(reader, "term of a snapshot");
    else reader.skip(wire);
  }
  return metadata;
}

function encodeConfState(state: ConfState): Uint8Array {
  return new FieldWriter()
    .packed(1, state.voters)
    .packed(2, state.learners)
    .packed(3, state.votersOutgoing)
    .packed(4, state.learnersNext)
    .bool(5, state.autoLeave)
    .finish();
}

function decodeConfState(bytes: Uint8Array): ConfState {
  const reader = new BinaryReader(bytes);
  const lists: readonly number[][] = [[], [], [], []];
  let autoLeave = false;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const list = lists[field - 1];
    if (list !== undefined) readIds(reader, wire, list, "members of a configuration");
    else if (field === 5) autoLeave = reader.bool();
    else reader.skip(wire);
  }
  const [voters = [], learners = [], votersOutgoing = [], learnersNext = []] = lists;
  return { voters, learners, votersOutgoing, learnersNext, autoLeave };
}
