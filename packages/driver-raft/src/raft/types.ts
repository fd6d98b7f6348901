// SPDX-License-Identifier: Apache-2.0
// The data the core works on. Field names are those of etcd-io/raft v3.6.0 in camel case, so that its scenario files
// and its literature can be read against this code.

/** Identity of a node, 1 or above; never reused (`raft.md` M6). 0 is "no node", below 0 are local threads. */
export type NodeId = number;

/** No node: an unknown leader, a vote not given. */
export const None: NodeId = 0;

/** Addressee of `MsgStorageAppend`: the local thread that owns the log. It cannot be a peer, so it has no wire form. */
export const LocalAppendThread: NodeId = -1;

/** Addressee of `MsgStorageApply`: the local thread that owns the state machine. */
export const LocalApplyThread: NodeId = -2;

/** A size or count that is not limited. */
export const noLimit: number = Number.POSITIVE_INFINITY;

export type EntryType = "EntryNormal" | "EntryConfChange" | "EntryConfChangeV2";

export type MessageType =
  | "MsgHup"
  | "MsgBeat"
  | "MsgProp"
  | "MsgApp"
  | "MsgAppResp"
  | "MsgVote"
  | "MsgVoteResp"
  | "MsgSnap"
  | "MsgHeartbeat"
  | "MsgHeartbeatResp"
  | "MsgUnreachable"
  | "MsgSnapStatus"
  | "MsgCheckQuorum"
  | "MsgTransferLeader"
  | "MsgTimeoutNow"
  | "MsgReadIndex"
  | "MsgReadIndexResp"
  | "MsgPreVote"
  | "MsgPreVoteResp"
  | "MsgStorageAppend"
  | "MsgStorageAppendResp"
  | "MsgStorageApply"
  | "MsgStorageApplyResp"
  | "MsgForgetLeader";

export type StateType = "StateFollower" | "StateCandidate" | "StateLeader" | "StatePreCandidate";

/** One record of the log. Terms and indexes are safe integers; whoever decodes one checks that (`raft.md` S6). */
export interface Entry {
  term: number;
  index: number;
  type: EntryType;
  /** Opaque; empty for the no-op of a new leader and for leaving a joint configuration. */
  data: Uint8Array;
}

/** What names an entry uniquely: two logs that agree on it agree on everything before (log matching). */
export interface EntryId {
  readonly term: number;
  readonly index: number;
}

/** The part of a node's state that must be durable before anything derived from it leaves the node. */
export interface HardState {
  term: number;
  vote: NodeId;
  commit: number;
}

/** State worth showing, lost at a restart. */
export interface SoftState {
  lead: NodeId;
  raftState: StateType;
}

/** The answer to a read request: `requestCtx` may be read once the applied index has reached `index`. */
export interface ReadState {
  index: number;
  requestCtx: Uint8Array;
}

/** A configuration as snapshots and storage hold it; `votersOutgoing` is non-empty only while joint. */
export interface ConfState {
  voters: readonly NodeId[];
  learners: readonly NodeId[];
  votersOutgoing: readonly NodeId[];
  learnersNext: readonly NodeId[];
  autoLeave: boolean;
}

export interface SnapshotMetadata {
  confState: ConfState;
  index: number;
  term: number;
}

export interface Snapshot {
  data: Uint8Array;
  metadata: SnapshotMetadata;
}

/** A message between nodes, or between a node and its own storage threads. Unused fields hold 0 and empty. */
export interface Message {
  type: MessageType;
  to: NodeId;
  from: NodeId;
  term: number;
  logTerm: number;
  index: number;
  entries: readonly Entry[];
  commit: number;
  vote: NodeId;
  snapshot: Snapshot | undefined;
  reject: boolean;
  rejectHint: number;
  context: Uint8Array;
  /** For `MsgStorageAppend` and `MsgStorageApply`: to be delivered after the work is durable, or applied. */
  responses: readonly Message[];
}

/** Shared empty values; nobody writes to them. */
export const emptyBytes: Uint8Array = new Uint8Array(0);
export const noEntries: readonly Entry[] = Object.freeze([]);
const noMessages: readonly Message[] = Object.freeze([]);
const noIds: readonly NodeId[] = Object.freeze([]);

export const emptyConfState: ConfState = Object.freeze({
  voters: noIds,
  learners: noIds,
  votersOutgoing: noIds,
  learnersNext: noIds,
  autoLeave: false,
});

/** "No snapshot": index 0. */
export const emptySnapshot: Snapshot = Object.freeze({
  data: emptyBytes,
  metadata: Object.freeze({ confState: emptyConfState, index: 0, term: 0 }),
});

export const emptyHardState: HardState = Object.freeze({ term: 0, vote: None, commit: 0 });

/** A message with the given fields and everything else empty; always the same shape, which keeps the core fast. */
export function newMessage(type: MessageType, fields: Partial<Message> = {}): Message {
  return {
    type,
    to: fields.to ?? None,
    from: fields.from ?? None,
    term: fields.term ?? 0,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    entries: fields.entries ?? noEntries,
    commit: fields.commit ?? 0,
    vote: fields.vote ?? None,
    snapshot: fields.snapshot,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    context: fields.context ?? emptyBytes,
    responses: fields.responses ?? noMessages,
  };
}

/** An entry with the given fields; what is left out is 0, `EntryNormal` and empty. */
export function newEntry(fields: Partial<Entry> = {}): Entry {
  return {
    term: fields.term ?? 0,
    index: fields.index ?? 0,
    type: fields.type ?? "EntryNormal",
    data: fields.data ?? emptyBytes,
  };
}

export function isEmptyHardState(state: HardState): boolean {
  return state.term === 0 && state.vote === None && state.commit === 0;
}

export function hardStateEqual(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit;
}

export function isEmptySnap(snapshot: Snapshot): boolean {
  return snapshot.metadata.index === 0;
}
