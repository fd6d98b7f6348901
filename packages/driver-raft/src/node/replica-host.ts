// SPDX-License-Identifier: Apache-2.0
import type { LeaseMark, MembershipRefusal } from "@tsoracle/consensus";
import type { Message, NodeId } from "../raft/types.ts";
import type { Outcome } from "./machine/command.ts";

/** Why a request came to nothing, or may have. */
export type Refusal =
  /** This node does not lead, or not in that epoch; nothing was proposed. */
  | { readonly code: "not_leader"; readonly message: string }
  /** Too much is under way, or leadership is being handed over; nothing was proposed. */
  | { readonly code: "transient"; readonly message: string }
  /** It was proposed, and whether it will ever take effect is unknown. */
  | { readonly code: "uncertain"; readonly message: string }
  /** It cannot be done as asked; nothing was changed. */
  | { readonly code: "refused"; readonly message: string; readonly refusal?: MembershipRefusal | undefined };

export type Answer =
  | { readonly ok: true; readonly outcome: Outcome }
  | { readonly ok: false; readonly refusal: Refusal };

/** What the replica says about leadership, in order. `term` never decreases. */
export type Leadership =
  /** The no-op of the term is applied: requests may be proposed in this epoch (S4). */
  | { readonly role: "leader"; readonly term: number }
  | { readonly role: "follower"; readonly term: number; readonly leader: NodeId }
  | { readonly role: "unknown"; readonly term: number };

/**
 * What a replica needs and tells. All calls are synchronous and come from within the call that caused
 * them. From within them the replica may be told that a peer is unreachable or what became of a snapshot,
 * and nothing else; in particular `send` must not deliver at once.
 */
export interface ReplicaHost {
  /** Hands a message to the network, which may lose it. */
  send(message: Message): void;
  /** A change of leadership. The end of a reign is told before anything leaves that could begin another. */
  leadership(state: Leadership): void;
  /** Reads the lease clocks, before a round of heartbeats is sent. */
  mark(): LeaseMark;
  /** A quorum of every active configuration has acknowledged the round sent after `mark`, in the reign of `term` (Q2). */
  renewed(term: number, mark: LeaseMark): void;
  /** A request has come to its end. */
  answered(id: number, answer: Answer): void;
  /** Everything that was decided before the request came is applied here, at this moment (Q1). */
  readable(id: number): void;
  /** The set of members or their addresses changed. */
  membersChanged(): void;
  /** For the operator. */
  log(line: string): void;
}
