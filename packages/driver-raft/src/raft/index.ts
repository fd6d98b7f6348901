// SPDX-License-Identifier: Apache-2.0
// The consensus core (`raft.md` 6): no I/O, no clock, no chance of its own, nothing from outside this folder.
export {
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfChangeV2,
  newConfChange,
  newConfChangeV2,
} from "./conf-change.ts";
export { decodeConfChange, encodeConfChange } from "./confchange/codec.ts";
export {
  ErrCompacted,
  ErrSnapOutOfDate,
  ErrSnapshotTemporarilyUnavailable,
  ErrUnavailable,
  type LogError,
  type LogErrorCode,
} from "./log/log-error.ts";
export { MemoryStorage } from "./log/memory-storage.ts";
export type { InitialState, Storage } from "./log/storage.ts";
export type { RaftLogger, RaftLogLevel } from "./logger.ts";
export { RaftPanic } from "./panic.ts";
export type { RaftConfig, ReadOnlyOption } from "./raft-config.ts";
export {
  ErrProposalDropped,
  ErrStepLocalMsg,
  ErrStepPeerNotFound,
  type StepError,
  type StepErrorCode,
} from "./raft-errors.ts";
export { RawNode, type SnapshotStatus } from "./raw-node.ts";
export { decodeRound, encodeRound } from "./read-only.ts";
export type { Ready } from "./ready.ts";
export type { BasicStatus, Status } from "./status.ts";
export type { TraceEvent, TraceEventName, TraceSink } from "./trace.ts";
export {
  type ConfState,
  type Entry,
  type EntryId,
  type EntryType,
  emptyBytes,
  emptyHardState,
  emptySnapshot,
  type HardState,
  isEmptyHardState,
  isEmptySnap,
  LocalAppendThread,
  LocalApplyThread,
  type Message,
  type MessageType,
  type NodeId,
  None,
  newEntry,
  newMessage,
  noLimit,
  type ReadState,
  type Snapshot,
  type SnapshotMetadata,
  type SoftState,
  type StateType,
} from "./types.ts";
