// SPDX-License-Identifier: Apache-2.0
// The four roles and how a node gets into them.
import { hex } from "./logger.ts";
import { appendEntries } from "./proposal.ts";
import type { Raft } from "./raft.ts";
import { type NodeId, None, newEntry } from "./types.ts";

export function becomeFollower(r: Raft, term: number, lead: NodeId): void {
  r.reset(term);
  r.lead = lead;
  r.state = "StateFollower";
  r.logger?.("INFO", `${hex(r.id)} became follower at term ${r.term}`);
  r.emit("BecomeFollower");
}

/** A new term and a vote for oneself; both are durable before any `MsgVote` leaves (P4). */
export function becomeCandidate(r: Raft): void {
  if (r.state === "StateLeader") r.panic("invalid transition [leader -> candidate]");
  const term = r.term + 1;
  if (!Number.isSafeInteger(term)) r.panic(`term ${r.term} cannot grow any more`);
  r.reset(term);
  r.vote = r.id;
  r.state = "StateCandidate";
  r.logger?.("INFO", `${hex(r.id)} became candidate at term ${r.term}`);
  r.emit("BecomeCandidate");
}

/** Asks first (E2): neither term nor vote change, and the old progress and timers stay. */
export function becomePreCandidate(r: Raft): void {
  if (r.state === "StateLeader") r.panic("invalid transition [leader -> pre-candidate]");
  r.trk.resetVotes();
  r.lead = None;
  r.state = "StatePreCandidate";
  if (r.config.redrawOnPreVote === true) r.redrawElectionTimeout();
  r.logger?.("INFO", `${hex(r.id)} became pre-candidate at term ${r.term}`);
}

export function becomeLeader(r: Raft): void {
  if (r.state === "StateFollower") r.panic("invalid transition [follower -> leader]");
  r.reset(r.term);
  r.lead = r.id;
  r.state = "StateLeader";
  const own = r.trk.progress.get(r.id);
  if (own === undefined) r.panic("a leader must be in its configuration");
  own.becomeReplicate();
  own.recentActive = true;
  // Whatever is in the log may hold a configuration change that is not applied yet. Waiting for all of it, and so for
  // the no-op below it is committed with, is the guard against the bug of 2015 (M2).
  r.pendingConfIndex = r.raftLog.lastIndex();
  r.emit("BecomeLeader");
  if (!appendEntries(r, [newEntry()])) r.panic("the no-op of a new leader was dropped");
  r.logger?.("INFO", `${hex(r.id)} became leader at term ${r.term}`);
}
