// SPDX-License-Identifier: Apache-2.0
import type { OwnershipFence } from "@tsoracle/fencing";
import type { ContinuityReport } from "./continuity-report.ts";
import { type DurableSession, journal, type Snapshot } from "./durable-session.ts";
import { encodeField } from "./encode-field.ts";
import { backendLabel, journalEntryLabel, lifecycleLabel, resumePolicyLabel } from "./labels.ts";

// All formats of this file are frozen: `fencing-quorum-sessions.md` 4.6.

/** `owner=…|epoch=…|token=…`. It holds the token: do not log it where tokens are secrets. */
export function fenceSignature(fence: OwnershipFence): string {
  return `owner=${encodeField(fence.owner)}|epoch=${fence.epoch}|token=${encodeField(fence.token)}`;
}

/** `session=…|route=…|counter=…|lifecycle=…|checkpoint_epoch=…|checkpoint_ms=…`. */
export function snapshotSignature(snapshot: Snapshot): string {
  return [
    `session=${encodeField(snapshot.sessionId)}`,
    `route=${encodeField(snapshot.route)}`,
    `counter=${snapshot.counter}`,
    `lifecycle=${lifecycleLabel(snapshot.lifecycle)}`,
    `checkpoint_epoch=${snapshot.checkpointEpoch}`,
    `checkpoint_ms=${snapshot.checkpointMs}`,
  ].join("|");
}

/** `latency_ms=…|data_loss=…|met=true` or `met=false`. */
export function continuitySignature(report: ContinuityReport): string {
  return `latency_ms=${report.reconnectLatencyMs}|data_loss=${report.estimatedDataLossEvents}|met=${report.met}`;
}

/**
 * `backend=…;policy=…;fence=…;snapshot=…;journal=a,b,c;slo_ms=…;max_loss=…`, the journal oldest first. It holds
 * the token: do not log it where tokens are secrets.
 */
export function signature(session: DurableSession): string {
  return [
    `backend=${backendLabel(session.backend)}`,
    `policy=${resumePolicyLabel(session.resumePolicy)}`,
    `fence=${fenceSignature(session.fence)}`,
    `snapshot=${snapshotSignature(session.snapshot)}`,
    `journal=${journal(session).map(journalEntryLabel).join(",")}`,
    `slo_ms=${session.continuitySloMs}`,
    `max_loss=${session.maxDataLossEvents}`,
  ].join(";");
}
