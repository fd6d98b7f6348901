// SPDX-License-Identifier: Apache-2.0
// Linearizable reads (`raft.md` Q1): the commit index at the time of the request, once a quorum has confirmed after the
// request that the leader still is one.
import { committedEntryInCurrentTerm } from "./own-term.ts";
import type { Raft } from "./raft.ts";
import { decodeRound } from "./read-only.ts";
import { bcastHeartbeatRound } from "./replication.ts";
import { type Entry, type Message, None, newMessage, noLimit } from "./types.ts";

/** A read request at the leader, its own or forwarded by a follower. */
export function handleReadIndex(r: Raft, m: Message): void {
  if (r.trk.isSingleton()) {
    answerRead(r, m, r.raftLog.committed);
    return;
  }
  // Before its first commit a new leader does not know what its predecessors have committed.
  if (!committedEntryInCurrentTerm(r)) {
    r.pendingReadIndexMessages.push(m);
    return;
  }
  startRead(r, m);
}

/** Starts the reads that waited for the first commit of the term. */
export function releasePendingReads(r: Raft): void {
  if (r.pendingReadIndexMessages.length === 0) return;
  if (!committedEntryInCurrentTerm(r)) {
    r.logger?.("ERROR", "pending MsgReadIndex should be released only after first commit in current term");
    return;
  }
  const waiting = r.pendingReadIndexMessages;
  r.pendingReadIndexMessages = [];
  for (const m of waiting) startRead(r, m);
}

function startRead(r: Raft, m: Message): void {
  if (r.readOnly.option === "ReadOnlyLeaseBased") {
    answerRead(r, m, r.raftLog.committed);
    return;
  }
  bcastHeartbeatRound(r, r.readOnly.addRead(m, r.raftLog.committed));
}

/** Takes the answer to a round of heartbeats, and answers the reads that it completes a quorum for. */
export function confirmReads(r: Raft, m: Message): void {
  r.readOnly.recordAck(m.from, decodeRound(m.context));
  if (r.readOnly.option !== "ReadOnlySafe" || !r.readOnly.hasPending()) return;
  for (const read of r.readOnly.confirm(quorumRound(r))) answerRead(r, read.request, read.index);
}

/**
 * The newest round that a quorum of every active configuration has answered, the leader itself counted as always up to
 * date; unlimited if it needs nobody else, 0 if there is none or the node does not lead.
 */
export function quorumRound(r: Raft): number {
  if (r.state !== "StateLeader") return 0;
  return r.trk.quorumIndex((id) => (id === r.id ? noLimit : r.readOnly.acked(id)));
}

function answerRead(r: Raft, request: Message, index: number): void {
  if (request.from === None || request.from === r.id) {
    r.readStates.push({ index, requestCtx: (request.entries[0] as Entry).data });
    return;
  }
  r.send(newMessage("MsgReadIndexResp", { to: request.from, index, entries: request.entries }));
}
