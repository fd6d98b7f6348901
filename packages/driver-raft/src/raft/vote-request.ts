// SPDX-License-Identifier: Apache-2.0
// Votes and pre-votes at the node that is asked.
import { isTransferContext } from "./campaign.ts";
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { becomeFollower } from "./roles.ts";
import { type Message, None, newMessage } from "./types.ts";

/**
 * Whether a request is not even looked at: for a new term while the leader was heard within T (E3), or for any term
 * while this node cannot know whether it heard one (Q4), or knows that a lease may rest on its answer. A transfer is wanted by the leader itself, so it passes.
 */
export function ignoresVoteRequest(r: Raft, m: Message): boolean {
  if (isTransferContext(m.context)) return false;
  if (r.voteEmbargo) {
    r.logger?.("INFO", `${hex(r.id)} ignored ${m.type} from ${hex(m.from)} during its vote embargo`);
    return true;
  }
  if (r.bound()) {
    r.logger?.("INFO", `${hex(r.id)} ignored ${m.type} from ${hex(m.from)}: it has answered a heartbeat within T`);
    return true;
  }
  if (m.term <= r.term || !r.checkQuorum || r.lead === None || r.electionElapsed >= r.electionTimeout) return false;
  const last = r.raftLog.lastEntryId();
  r.logger?.(
    "INFO",
    `${hex(r.id)} [logterm: ${last.term}, index: ${last.index}, vote: ${hex(r.vote)}] ignored ${m.type} from ` +
      `${hex(m.from)} [logterm: ${m.logTerm}, index: ${m.index}] at term ${r.term}: ` +
      `lease is not expired (remaining ticks: ${r.electionTimeout - r.electionElapsed})`,
  );
  return true;
}

/**
 * Grants or refuses. A vote is given once per term (E6), and only to a log that lacks nothing this one has. Learners
 * vote too: whoever asks one has seen it become a voter, which the learner itself may not have seen yet.
 */
export function handleVoteRequest(r: Raft, m: Message): void {
  const canVote =
    r.vote === m.from || (r.vote === None && r.lead === None) || (m.type === "MsgPreVote" && m.term > r.term);
  const last = r.raftLog.lastEntryId();
  const granted = canVote && r.raftLog.isUpToDate({ term: m.logTerm, index: m.index });
  r.logger?.(
    "INFO",
    `${hex(r.id)} [logterm: ${last.term}, index: ${last.index}, vote: ${hex(r.vote)}] ` +
      `${granted ? `cast ${m.type} for` : `rejected ${m.type} from`} ${hex(m.from)} ` +
      `[logterm: ${m.logTerm}, index: ${m.index}] at term ${r.term}`,
  );
  const type = m.type === "MsgVote" ? "MsgVoteResp" : "MsgPreVoteResp";
  if (!granted) {
    r.send(newMessage(type, { to: m.from, term: r.term, reject: true }));
    return;
  }
  // With the term of the request: a pre-vote asks for a term that this node does not have yet.
  r.send(newMessage(type, { to: m.from, term: m.term }));
  if (m.type === "MsgVote") {
    r.electionElapsed = 0;
    r.vote = m.from;
  } else if (r.config.yieldToPreVote === true) yieldTo(r, m);
}

/** Leaves the election to a node whose pre-vote was just granted. Costs time at most, if that node does not win. */
function yieldTo(r: Raft, m: Message): void {
  if (r.state === "StatePreCandidate" && goesFirst(r, m)) becomeFollower(r, r.term, None);
  // The leader that was heard last still counts for those who ask without need, so the elapsed time stays as it is.
  if (r.state === "StateFollower") r.postponeElection(Math.ceil(r.electionTimeout / 2));
}

/** Of two nodes that would vote for each other exactly one goes first: the one with more in its log, else of higher id. */
function goesFirst(r: Raft, m: Message): boolean {
  const last = r.raftLog.lastEntryId();
  return m.logTerm !== last.term || m.index !== last.index || m.from > r.id;
}
