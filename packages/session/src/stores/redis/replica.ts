// SPDX-License-Identifier: Apache-2.0
import type { JournalFence } from "@tsoracle/consensus";
import type { Ballot } from "./ballot.ts";
import type { Gap, SessionHead } from "./session-head.ts";

/** A whole session as a node keeps it: packed records, entries by their numbers. */
export interface SessionContent {
  readonly head: SessionHead;
  readonly snapshot: Uint8Array | undefined;
  readonly entries: ReadonlyMap<number, Uint8Array>;
}

/** One step of a session. A node takes it only onto the state that it was made for. */
export interface SessionChange {
  /** Owner and next number before; undefined where there must be no journal yet. */
  readonly before: { readonly fence: JournalFence; readonly nextSeq: number } | undefined;
  readonly after: SessionHead;
  readonly entry?: { readonly seq: number; readonly packed: Uint8Array } | undefined;
  readonly snapshot?: Uint8Array | undefined;
  readonly removed?: readonly Gap[] | undefined;
}

/** What a node is asked about one session; each is one atomic step of the node. */
export type ReplicaRequest =
  | { readonly kind: "read" }
  /** The content, if the copy is of one of these ballots and of this revision; of any revision where none is named. */
  | { readonly kind: "content"; readonly ballots: readonly Ballot[]; readonly rev?: number | undefined }
  /** Takes nothing below this floor any more, in any session. */
  | { readonly kind: "floor"; readonly floor: bigint }
  /** Promises to take nothing of a smaller ballot any more. */
  | { readonly kind: "promise"; readonly ballot: Ballot }
  /** Puts the copy of (`from`, `rev`) under this ballot, without sending it again. */
  | { readonly kind: "adopt"; readonly ballot: Ballot; readonly from: Ballot; readonly rev: number }
  /** Replaces the copy; undefined is a session that does not exist. */
  | {
      readonly kind: "install";
      readonly ballot: Ballot;
      readonly rev: number;
      readonly content: SessionContent | undefined;
    }
  /** Makes revision `rev` out of `rev - 1` of the same ballot. */
  | { readonly kind: "accept"; readonly ballot: Ballot; readonly rev: number; readonly change: SessionChange };

/** What a node says of its copy. */
export interface ReplicaHead {
  readonly floor: bigint;
  readonly promised: Ballot;
  /** The ballot under which the copy was last written; `NO_BALLOT` where there is none. */
  readonly accepted: Ballot;
  readonly rev: number;
  /** Undefined where there is no journal. */
  readonly head: SessionHead | undefined;
}

export interface ReplicaFailure {
  readonly kind: "failed";
  /** Whether the request may have been, or may yet be, carried out. */
  readonly mayHaveRun: boolean;
  /** Whether waiting will not help: a person has to change something. */
  readonly lasting: boolean;
  readonly message: string;
}

/** `votes` is false of a node that is being filled: what it says and keeps does not count yet. */
export type ReplicaAnswer =
  | { readonly kind: "head"; readonly votes: boolean; readonly copy: ReplicaHead }
  | { readonly kind: "content"; readonly rev: number; readonly content: SessionContent | undefined }
  | { readonly kind: "ok"; readonly votes: boolean }
  /** The copy is another than the one asked for. */
  | { readonly kind: "moved" }
  /** The copy is older or other than the one that the step was made for. */
  | { readonly kind: "lag" }
  | { readonly kind: "promised"; readonly ballot: Ballot }
  | { readonly kind: "floor"; readonly floor: bigint }
  /** What the node holds contradicts what its ballot and revision say. */
  | { readonly kind: "broken"; readonly message: string }
  | ReplicaFailure;

/** One node. Never rejects: failures are answers. */
export interface ReplicaNode {
  readonly label: string;
  /** @param limitMs how long the answer may take */
  ask(id: string, request: ReplicaRequest, limitMs: number): Promise<ReplicaAnswer>;
}
