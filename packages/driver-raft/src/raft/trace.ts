// SPDX-License-Identifier: Apache-2.0
import type { Message, MessageType, NodeId, StateType } from "./types.ts";

/** The events of the trace (`raft.md` 11.3). */
export type TraceEventName =
  | "InitState"
  | "BecomeCandidate"
  | "BecomeFollower"
  | "BecomeLeader"
  | "Commit"
  | "Replicate"
  | "ChangeConf"
  | "ApplyConfChange"
  | "Ready"
  | "SendAppendEntriesRequest"
  | "ReceiveAppendEntriesRequest"
  | "SendAppendEntriesResponse"
  | "ReceiveAppendEntriesResponse"
  | "SendRequestVoteRequest"
  | "ReceiveRequestVoteRequest"
  | "SendRequestVoteResponse"
  | "ReceiveRequestVoteResponse"
  | "SendSnapshot"
  | "ReceiveSnapshot";

/** One event with the node's state right after it. Pre-votes are not traced: they change nothing. */
export interface TraceEvent {
  readonly name: TraceEventName;
  readonly nid: NodeId;
  readonly state: { readonly term: number; readonly vote: NodeId; readonly commit: number };
  readonly role: StateType;
  /** Index of the last entry. */
  readonly log: number;
  /** Voters of the incoming and of the outgoing half. */
  readonly conf: readonly [readonly NodeId[], readonly NodeId[]];
  readonly msg: Message | undefined;
  /** For `ChangeConf`: the change, as `v1 r2`. */
  readonly prop: string | undefined;
}

export type TraceSink = (event: TraceEvent) => void;

/** The event of a message that is sent or received, if it has one. */
export function eventOf(type: MessageType, direction: "Send" | "Receive"): TraceEventName | undefined {
  switch (type) {
    case "MsgApp":
    case "MsgHeartbeat":
      return `${direction}AppendEntriesRequest`;
    case "MsgSnap":
      return `${direction}Snapshot`;
    case "MsgAppResp":
    case "MsgHeartbeatResp":
      return `${direction}AppendEntriesResponse`;
    case "MsgVote":
      return `${direction}RequestVoteRequest`;
    case "MsgVoteResp":
      return `${direction}RequestVoteResponse`;
    default:
      return undefined;
  }
}
