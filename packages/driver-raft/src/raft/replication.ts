// SPDX-License-Identifier: Apache-2.0
// What a leader sends to keep its followers up to date (`raft.md` E9).
import { payloadsSize } from "./log/entry-size.ts";
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { encodeRound, noRound } from "./read-only.ts";
import type { Progress } from "./tracker/progress.ts";
import { type Entry, isEmptySnap, type NodeId, newMessage, noEntries } from "./types.ts";

/** Sends an append, an empty one if there is nothing to send but the commit index. */
export function sendAppend(r: Raft, to: NodeId): void {
  maybeSendAppend(r, to, true);
}

/**
 * Sends the next append to a node, or a snapshot if the log does not reach back far enough. False if the node is paused,
 * or if there are no entries and `sendIfEmpty` is false.
 */
export function maybeSendAppend(r: Raft, to: NodeId, sendIfEmpty: boolean): boolean {
  const progress = r.trk.progress.get(to);
  if (progress === undefined || progress.isPaused()) return false;
  const prevIndex = progress.next - 1;
  const prevTerm = r.raftLog.term(prevIndex);
  if (typeof prevTerm !== "number") return maybeSendSnapshot(r, to, progress);

  let entries: readonly Entry[] = noEntries;
  // A follower whose window is full still gets empty appends: if everything in the window was lost, its answer to one
  // of these is what opens the window again.
  if (progress.state !== "StateReplicate" || !progress.inflights.full()) {
    const found = r.raftLog.entries(progress.next, r.limits.maxSizePerMsg);
    if ("code" in found) return sendIfEmpty ? maybeSendSnapshot(r, to, progress) : false;
    entries = found;
  }
  if (entries.length === 0 && !sendIfEmpty) return false;

  const commit = r.raftLog.committed;
  r.send(newMessage("MsgApp", { to, index: prevIndex, logTerm: prevTerm, entries, commit }));
  progress.sentEntries(entries.length, payloadsSize(entries));
  progress.sentCommitted(commit);
  return true;
}

function maybeSendSnapshot(r: Raft, to: NodeId, progress: Progress): boolean {
  if (!progress.recentActive) {
    r.logger?.("DEBUG", `ignore sending snapshot to ${hex(to)} since it is not recently active`);
    return false;
  }
  const snapshot = r.raftLog.snapshot();
  if ("code" in snapshot) {
    r.logger?.(
      "DEBUG",
      `${hex(r.id)} failed to send snapshot to ${hex(to)} because snapshot is temporarily unavailable`,
    );
    return false;
  }
  if (isEmptySnap(snapshot)) r.panic("need non-empty snapshot");
  const { index, term } = snapshot.metadata;
  r.logger?.(
    "DEBUG",
    `${hex(r.id)} [firstindex: ${r.raftLog.firstIndex()}, commit: ${r.raftLog.committed}] ` +
      `sent snapshot[index: ${index}, term: ${term}] to ${hex(to)} [${progress}]`,
  );
  progress.becomeSnapshot(index);
  r.logger?.("DEBUG", `${hex(r.id)} paused sending replication messages to ${hex(to)} [${progress}]`);
  r.send(newMessage("MsgSnap", { to, snapshot }));
  return true;
}

/** An append to everybody else, unless paused. */
export function bcastAppend(r: Raft): void {
  for (const id of r.trk.ids()) if (id !== r.id) sendAppend(r, id);
}

/** An append to everybody else who lacks entries, as after a change of the configuration. */
export function bcastMissingEntries(r: Raft): void {
  for (const id of r.trk.ids()) if (id !== r.id) maybeSendAppend(r, id, false);
}

/** Heartbeats to everybody else; while reads wait, or rounds are always numbered, with the number of a round. */
export function bcastHeartbeat(r: Raft): void {
  if (r.heartbeatRounds) bcastHeartbeatRound(r, r.readOnly.beginRound());
  else if (r.readOnly.hasPending()) bcastHeartbeatRound(r, r.readOnly.round);
  else bcastHeartbeatWith(r, noRound);
}

export function bcastHeartbeatRound(r: Raft, round: number): void {
  bcastHeartbeatWith(r, encodeRound(round));
}

function bcastHeartbeatWith(r: Raft, context: Uint8Array): void {
  for (const id of r.trk.ids()) if (id !== r.id) sendHeartbeat(r, id, context);
}

/** The commit index is cut to what the follower is known to have; beyond that its log may still differ (E8). */
function sendHeartbeat(r: Raft, to: NodeId, context: Uint8Array): void {
  const progress = r.trk.progress.get(to);
  if (progress === undefined) return;
  const commit = Math.min(progress.match, r.raftLog.committed);
  r.send(newMessage("MsgHeartbeat", { to, commit, context }));
  progress.sentCommitted(commit);
}
