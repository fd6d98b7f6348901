// SPDX-License-Identifier: Apache-2.0
import type { Epoch, LeaseRecord, PhysicalMs, SeqEntry, SeqKey } from "@tsoracle/core";
import type { PeerTlsOptions } from "../transport/peer-tls.ts";
import type { MemberView } from "./applied-state.ts";
import type { LogLevel } from "./log.ts";
import type { MembershipRequest } from "./membership-request.ts";
import type { Answer } from "./replica-host.ts";

/** How a leader knows that it may still answer (raft.md 6.5). */
export type Freshness = "lease" | "confirm";

/** What the consensus thread is started with. Everything in it can be copied between threads. */
export interface ThreadOptions {
  readonly directory: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Where to find peers that the replicated state does not name, by id. */
  readonly peers: ReadonlyMap<number, string>;
  readonly tls: PeerTlsOptions | undefined;
  readonly allowInsecurePeer: boolean;
  readonly heartbeatMs: number;
  readonly electionTicks: number;
  /** What leases are computed from, as text; nodes that differ in it refuse each other. */
  readonly timing: string;
  readonly expectNodeId: number | undefined;
  readonly expectClusterId: string | undefined;
  readonly seqKeyCap: number;
  readonly takeOverLock: boolean;
  /** The tenure cell. */
  readonly tenure: SharedArrayBuffer;
}

/** What is asked of the thread; `id` comes back with the reply. */
export type Request =
  | { readonly kind: "advance"; readonly id: number; readonly atLeast: PhysicalMs; readonly epoch: Epoch }
  | { readonly kind: "sequences"; readonly id: number; readonly entries: readonly SeqEntry[]; readonly epoch: Epoch }
  | { readonly kind: "leases"; readonly id: number; readonly live: readonly LeaseRecord[]; readonly epoch: Epoch }
  | { readonly kind: "change"; readonly id: number; readonly request: MembershipRequest }
  | { readonly kind: "transfer"; readonly id: number; readonly to: number | undefined }
  | { readonly kind: "loadHighWater"; readonly id: number }
  | { readonly kind: "loadSequence"; readonly id: number; readonly key: SeqKey }
  | { readonly kind: "loadLeases"; readonly id: number }
  | { readonly kind: "members"; readonly id: number }
  | { readonly kind: "confirm"; readonly id: number; readonly term: number }
  | { readonly kind: "status"; readonly id: number }
  /** Nobody waits for that request any more. */
  | { readonly kind: "forget"; readonly id: number }
  | { readonly kind: "close" }
  /** Ends the thread on the spot, with nothing closed or flushed. For tests. */
  | { readonly kind: "die" };

/** What a node says of itself, for people and for metrics. */
export interface ThreadStatus {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly storageId: string;
  readonly bootCount: number;
  readonly peerPort: number;
  readonly term: number;
  readonly leader: number;
  readonly role: "leader" | "follower" | "candidate" | "learner" | "forming";
  readonly commit: number;
  readonly applied: number;
  readonly logBytes: number;
  readonly connectedPeers: readonly number[];
  /** First members that were not met yet. */
  readonly missing: readonly number[];
  /** How often the thread was found stalled (N2). */
  readonly stalls: number;
  /** How often this start became leader. */
  readonly reigns: number;
}

/** A leadership state without what only the serving thread can make. */
export type ThreadLeadership =
  | { readonly role: "leader"; readonly term: number }
  | { readonly role: "follower"; readonly term: number; readonly endpoint: string | undefined }
  | { readonly role: "unknown" };

/** What the thread says. */
export type Reply =
  | { readonly kind: "started"; readonly status: ThreadStatus }
  | { readonly kind: "leadership"; readonly state: ThreadLeadership }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer; readonly term: number }
  | { readonly kind: "value"; readonly id: number; readonly value: Value }
  | { readonly kind: "log"; readonly level: LogLevel; readonly fields: object; readonly message: string }
  /** The node has ended and does not come back; the process should (P9). */
  | { readonly kind: "failed"; readonly message: string };

export type Value = PhysicalMs | bigint | boolean | readonly LeaseRecord[] | readonly MemberView[] | ThreadStatus;
