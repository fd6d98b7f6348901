// SPDX-License-Identifier: Apache-2.0
import type { OwnershipFence } from "@tsoracle/fencing";
import type { PersistenceBackend } from "./backend.ts";
import type { JournalEntry } from "./journal-entry.ts";
import type { ResumePolicy, SessionState } from "./state.ts";

/** The state of a session, and under whom and when it was last checkpointed. Source: `fencing-quorum-sessions.md` 4.1. */
export interface Snapshot extends SessionState {
  readonly sessionId: string;
  /** Epoch of the owner that wrote the checkpoint; 64 bits, never above that of the fence. */
  readonly checkpointEpoch: bigint;
  readonly checkpointMs: number;
}

/**
 * A session as a value: frozen, without I/O, clock or secret. Every function of the model answers with a new
 * one. Source: `fencing-quorum-sessions.md` 4.1.
 */
export interface DurableSession {
  readonly backend: PersistenceBackend;
  readonly resumePolicy: ResumePolicy;
  /** Who owns it. */
  readonly fence: OwnershipFence;
  readonly snapshot: Snapshot;
  /** The state before the oldest entry of the journal: that of the start, or of the snapshot that let older entries go. */
  readonly base: SessionState;
  /** Newest first. */
  readonly journalRev: readonly JournalEntry[];
  /** Longest time without service after which a reconnect still counts as continuous, in milliseconds. */
  readonly continuitySloMs: number;
  /** Most entries that a crash may lose. */
  readonly maxDataLossEvents: number;
}

/** Where the session is kept. */
export function backend(session: DurableSession): PersistenceBackend {
  return session.backend;
}

/** Who owns the session. */
export function fence(session: DurableSession): OwnershipFence {
  return session.fence;
}

/** The state, and its last checkpoint. */
export function snapshot(session: DurableSession): Snapshot {
  return session.snapshot;
}

/** The entries, oldest first. */
export function journal(session: DurableSession): readonly JournalEntry[] {
  return Object.freeze(session.journalRev.toReversed());
}
