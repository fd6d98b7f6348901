// SPDX-License-Identifier: Apache-2.0
import type { OwnershipFence } from "@tsoracle/fencing";
import type { PersistenceBackend } from "./backend.ts";
import { checkSession } from "./check-session.ts";
import { checkEpoch, checkMs } from "./checked.ts";
import type { DurableSession, Snapshot } from "./durable-session.ts";
import { checkEntry, type JournalEntry } from "./journal-entry.ts";
import { applyEntry, stateOf } from "./replay.ts";
import { SessionError } from "./session-error.ts";
import type { ResumePolicy } from "./state.ts";
import type { TokenScheme } from "./token.ts";
import { writesEpoch } from "./transitions.ts";

/** An entry as a journal holds it: with the epoch of the owner that wrote it, and the time of its timestamp. */
export interface RecordedEntry {
  readonly entry: JournalEntry;
  readonly epoch: bigint;
  readonly atMs: number;
}

/** What stores hold of one session. */
export interface RecoveryParts {
  readonly backend: PersistenceBackend;
  readonly resumePolicy: ResumePolicy;
  readonly continuitySloMs: number;
  readonly maxDataLossEvents: number;
  /** The fence in force. */
  readonly fence: OwnershipFence;
  /** The newest durable snapshot, by checkpoint epoch and then sequence number; that of the start if there is no other. */
  readonly snapshot: Snapshot;
  /** The entries after that snapshot, oldest first. */
  readonly tail: readonly RecordedEntry[];
}

/**
 * The session that stores hold: the snapshot, then the tail. Takeovers leave no entry, so one after the last
 * entry shows in the fence only. Source: `fencing-quorum-sessions.md` 4.4 and 4.7.
 *
 * @throws SessionError `state_diverged` when epochs run backwards or lie above the fence or the token does not
 * belong to it; any other code for a part outside its domain.
 */
export function recover(parts: RecoveryParts, tokens: TokenScheme): DurableSession {
  const { backend, resumePolicy, continuitySloMs, maxDataLossEvents, fence, snapshot, tail } = parts;
  let last: Snapshot = snapshot;
  let epoch = snapshot.checkpointEpoch;
  for (const record of tail) {
    if (checkEpoch("the epoch of an entry", record.epoch, 1n) < epoch || record.epoch > fence.epoch) {
      throw new SessionError(
        "state_diverged",
        `expected an entry of epoch ${epoch} to ${fence.epoch}, got ${record.epoch}; the journal was written past its fence`,
      );
    }
    epoch = record.epoch;
    last = afterRecord(last, record);
  }
  const session: DurableSession = Object.freeze({
    backend,
    resumePolicy,
    continuitySloMs,
    maxDataLossEvents,
    fence: Object.freeze({ ...fence }),
    snapshot: Object.freeze({ ...last }),
    base: stateOf(snapshot),
    journalRev: Object.freeze(tail.map(({ entry }) => checkEntry(entry)).toReversed()),
  });
  checkSession(session, tokens);
  return session;
}

function afterRecord(before: Snapshot, { entry, epoch, atMs }: RecordedEntry): Snapshot {
  const checked = checkEntry(entry);
  return {
    ...before,
    ...applyEntry(before, checked),
    checkpointEpoch: writesEpoch(checked) ? epoch : before.checkpointEpoch,
    checkpointMs: checked.kind === "crash_marked" ? before.checkpointMs : checkMs("atMs", atMs),
  };
}

/**
 * The session without the entries that a snapshot has made superfluous: call it once that snapshot of exactly
 * this session is durable, and then let the store truncate. The state is the same; the journal is empty. With
 * snapshots alone, `checkpointEvery` counts from here.
 * Source: `fencing-quorum-sessions.md` 4.7.
 *
 * @throws SessionError `backend_unfit` for a backend without snapshots, where entries would be lost.
 */
export function compact(session: DurableSession): DurableSession {
  if (session.backend.kind === "journal_only") {
    throw new SessionError("backend_unfit", "expected a backend with snapshots, got journal_only; keep its journal");
  }
  return withoutHistory(session);
}

/** The session as an owner holds it in memory: the state, without the entries that led to it and that a store holds. */
export function withoutHistory(session: DurableSession): DurableSession {
  return Object.freeze({ ...session, base: stateOf(session.snapshot), journalRev: Object.freeze([]) });
}
