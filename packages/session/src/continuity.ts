// SPDX-License-Identifier: Apache-2.0
import type { PersistenceBackend } from "./backend.ts";
import { checkInteger, checkMs } from "./checked.ts";
import type { ContinuityReport } from "./continuity-report.ts";
import { type DurableSession, journal } from "./durable-session.ts";
import type { JournalEntry } from "./journal-entry.ts";

/**
 * How many deltas a backend does not hold after these entries, oldest first. With a journal it holds all of
 * them; with snapshots alone it lacks those since the last multiple of `checkpointEvery`, or since the last
 * reconnect. Source: `fencing-quorum-sessions.md` 4.5.
 */
export function unsavedDeltas(backend: PersistenceBackend, entries: readonly JournalEntry[]): number {
  switch (backend.kind) {
    case "journal_only":
    case "snapshot_journal":
      return 0;
    case "snapshot_only":
      return entries.reduce((unsaved, entry) => {
        if (entry.kind === "counter_delta") return (unsaved + 1) % backend.checkpointEvery;
        return entry.kind === "reconnected" ? 0 : unsaved;
      }, 0);
    default:
      return backend satisfies never;
  }
}

/**
 * How the session came through a failover. Take it after the crash and before the reconnect is journalled:
 * with snapshots alone, the reconnect makes the loss invisible. Source: `fencing-quorum-sessions.md` 4.5.
 *
 * @throws SessionError `number_out_of_range`.
 */
export function continuityReport(
  session: DurableSession,
  failoverAtMs: number,
  reconnectAtMs: number,
): ContinuityReport {
  return judgeContinuity(session, unsavedDeltas(session.backend, journal(session)), failoverAtMs, reconnectAtMs);
}

/**
 * The same judgement of a loss that was counted, or assumed, elsewhere: of a session whose entries died with its owner.
 *
 * @throws SessionError `number_out_of_range`.
 */
export function judgeContinuity(
  budgets: Pick<DurableSession, "continuitySloMs" | "maxDataLossEvents">,
  lostEvents: number,
  failoverAtMs: number,
  reconnectAtMs: number,
): ContinuityReport {
  checkMs("failoverAtMs", failoverAtMs);
  checkMs("reconnectAtMs", reconnectAtMs);
  const reconnectLatencyMs = Math.max(0, reconnectAtMs - failoverAtMs);
  const estimatedDataLossEvents = checkInteger("the loss", lostEvents, 0, Number.MAX_SAFE_INTEGER);
  const met = reconnectLatencyMs <= budgets.continuitySloMs && estimatedDataLossEvents <= budgets.maxDataLossEvents;
  return Object.freeze({ reconnectLatencyMs, estimatedDataLossEvents, met });
}
