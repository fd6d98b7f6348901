// SPDX-License-Identifier: Apache-2.0
// How the commit and applied indexes move.
import { hex } from "./logger.ts";
import { proposeLeaveJoint } from "./proposal.ts";
import type { Raft } from "./raft.ts";
import { describeConfig } from "./tracker/config.ts";
import type { Snapshot } from "./types.ts";

/**
 * Moves a leader's commit index to what a quorum of the active configuration has acknowledged as durable, but only if
 * the entry there is of the current term: older entries are committed only under one of those (E8, Figure 8).
 */
export function maybeCommit(r: Raft): boolean {
  const moved = r.raftLog.maybeCommit({ term: r.term, index: r.trk.committed() });
  if (moved) r.emit("Commit");
  return moved;
}

/** The state machine has applied up to `index`, entries of `size` bytes since the last time. */
export function appliedTo(r: Raft, index: number, size: number): void {
  const applied = Math.max(index, r.raftLog.applied);
  r.raftLog.appliedTo(applied, size);
  if (!r.trk.config.autoLeave || applied < r.pendingConfIndex || r.state !== "StateLeader") return;
  // Tried again with each applied entry, since it is dropped while a transfer is under way. If the transfer succeeds,
  // the next leader does it.
  if (proposeLeaveJoint(r) === undefined) {
    r.logger?.("INFO", `initiating automatic transition out of joint configuration ${describeConfig(r.trk.config)}`);
  } else {
    r.logger?.(
      "DEBUG",
      `${hex(r.id)} not initiating automatic transition out of joint configuration ${describeConfig(r.trk.config)}`,
    );
  }
}

export function appliedSnap(r: Raft, snapshot: Snapshot): void {
  r.raftLog.stableSnapTo(snapshot.metadata.index);
  appliedTo(r, snapshot.metadata.index, 0);
}
