// SPDX-License-Identifier: Apache-2.0
import { checkMs } from "./checked.ts";
import { type DurableSession, journal } from "./durable-session.ts";
import { checkEntry, type JournalEntry } from "./journal-entry.ts";
import { applyEntry, replay, sameState } from "./replay.ts";
import { SessionError } from "./session-error.ts";
import type { ResumePolicy } from "./state.ts";

/**
 * Adds to the counter. It does not ask who calls: a store lets the write through only if the fence holds, and
 * that check belongs into the store's own atomic step. Source: `fencing-quorum-sessions.md` 4.4.
 *
 * @throws SessionError `number_out_of_range` for a delta, a time or a resulting counter outside its range.
 */
export function appendCounterDelta(session: DurableSession, delta: number, nowMs: number): DurableSession {
  return journalled(session, { kind: "counter_delta", delta }, checkMs("nowMs", nowMs));
}

/** Marks the session as crashed. It takes no time: no checkpoint is made. Source: `fencing-quorum-sessions.md` 4.4. */
export function crash(session: DurableSession, reason: string): DurableSession {
  return journalled(session, { kind: "crash_marked", reason }, undefined);
}

/** The process is back, its client is not yet. Source: `fencing-quorum-sessions.md` 4.4. @throws SessionError `number_out_of_range`. */
export function restart(session: DurableSession, nowMs: number): DurableSession {
  return journalled(session, { kind: "restarted", nowMs }, checkMs("nowMs", nowMs));
}

/**
 * The client is back, on this route. `policy` is that of this reconnect and does not change the one the
 * session was started with. Source: `fencing-quorum-sessions.md` 4.4.
 *
 * @throws SessionError `variant_unknown`, `text_invalid`, `number_out_of_range`; `state_diverged` when the policy
 * is `rehydrate` and the journal does not lead to the snapshot.
 */
export function reconnect(session: DurableSession, policy: ResumePolicy, route: string, nowMs: number): DurableSession {
  const next = journalled(session, { kind: "reconnected", policy, route, nowMs }, checkMs("nowMs", nowMs));
  if (policy !== "rehydrate") return next;
  const rebuilt = replay(session.base, journal(session));
  if (sameState(rebuilt, session.snapshot)) return next;
  throw new SessionError(
    "state_diverged",
    `expected the journal of session ${JSON.stringify(session.snapshot.sessionId)} to lead to counter ` +
      `${session.snapshot.counter} (${session.snapshot.lifecycle}), got ${rebuilt.counter} (${rebuilt.lifecycle}); recover it from its store`,
  );
}

/** What follows from an entry; `checkpointMs` is undefined where none is made. */
function journalled(session: DurableSession, entry: JournalEntry, checkpointMs: number | undefined): DurableSession {
  const checked = checkEntry(entry);
  return Object.freeze({
    ...session,
    snapshot: Object.freeze({
      ...session.snapshot,
      ...applyEntry(session.snapshot, checked),
      checkpointEpoch: writesEpoch(checked) ? session.fence.epoch : session.snapshot.checkpointEpoch,
      checkpointMs: checkpointMs ?? session.snapshot.checkpointMs,
    }),
    journalRev: Object.freeze([checked, ...session.journalRev]),
  });
}

/** A crash writes nothing, and a restart is not yet an act of the owner. */
export function writesEpoch(entry: JournalEntry): boolean {
  return entry.kind === "counter_delta" || entry.kind === "reconnected";
}
