// SPDX-License-Identifier: Apache-2.0
// Every input of a node comes through here: first the term of the message, then what its role makes of it.
import { hup } from "./campaign.ts";
import { stepCandidate } from "./candidate.ts";
import { appliedSnap, appliedTo } from "./commit.ts";
import { stepFollower } from "./follower.ts";
import { stepLeader } from "./leader.ts";
import { entsSize, payloadsSize } from "./log/entry-size.ts";
import { hex } from "./logger.ts";
import { reduceUncommittedSize } from "./proposal.ts";
import type { Raft } from "./raft.ts";
import type { StepError } from "./raft-errors.ts";
import { becomeFollower } from "./roles.ts";
import { type Entry, type Message, None, newMessage } from "./types.ts";
import { handleVoteRequest, ignoresVoteRequest } from "./vote-request.ts";

/** Takes one message. A returned error means that it had no effect. */
export function step(r: Raft, m: Message): StepError | undefined {
  r.emitMessage("Receive", m);
  if (m.type === "MsgVote" || m.type === "MsgPreVote") {
    if (ignoresVoteRequest(r, m)) return undefined;
  }
  // Term 0 is a local message, which belongs to whatever term there is.
  if (m.term !== 0) {
    if (m.term > r.term) takeHigherTerm(r, m);
    else if (m.term < r.term) {
      answerLowerTerm(r, m);
      return undefined;
    }
  }
  switch (m.type) {
    case "MsgHup":
      hup(r, r.preVote ? "CampaignPreElection" : "CampaignElection");
      return undefined;
    case "MsgStorageAppendResp":
      if (m.index !== 0) r.raftLog.stableTo({ term: m.logTerm, index: m.index });
      if (m.snapshot !== undefined) appliedSnap(r, m.snapshot);
      return undefined;
    case "MsgStorageApplyResp":
      if (m.entries.length > 0) {
        appliedTo(r, (m.entries[m.entries.length - 1] as Entry).index, entsSize(m.entries));
        reduceUncommittedSize(r, payloadsSize(m.entries));
      }
      return undefined;
    case "MsgVote":
    case "MsgPreVote":
      handleVoteRequest(r, m);
      return undefined;
    default:
      return stepRole(r, m);
  }
}

function stepRole(r: Raft, m: Message): StepError | undefined {
  switch (r.state) {
    case "StateLeader":
      return stepLeader(r, m);
    case "StateFollower":
      return stepFollower(r, m);
    case "StateCandidate":
    case "StatePreCandidate":
      return stepCandidate(r, m);
    default:
      throw new TypeError(`unknown role ${String(r.state satisfies never)}`);
  }
}

/** A higher term makes a follower, except where a pre-vote only talks about a term that nobody has yet (E2). */
function takeHigherTerm(r: Raft, m: Message): void {
  if (m.type === "MsgPreVote" || (m.type === "MsgPreVoteResp" && !m.reject)) return;
  r.logger?.(
    "INFO",
    `${hex(r.id)} [term: ${r.term}] received a ${m.type} message with higher term from ${hex(m.from)} [term: ${m.term}]`,
  );
  const fromLeader = m.type === "MsgApp" || m.type === "MsgHeartbeat" || m.type === "MsgSnap";
  becomeFollower(r, m.term, fromLeader ? m.from : None);
}

/** Messages of an older term have no effect, but some of their senders must learn the newer one. */
function answerLowerTerm(r: Raft, m: Message): void {
  if ((r.checkQuorum || r.preVote) && (m.type === "MsgHeartbeat" || m.type === "MsgApp")) {
    // This node went ahead alone, and nobody listens to its vote requests as long as they hear that leader. Its term in
    // an answer is the only way back: the leader steps down, and all meet in a newer term (E4).
    r.send(newMessage("MsgAppResp", { to: m.from }));
    return;
  }
  if (m.type === "MsgPreVote") {
    // Not answering could leave a node that lags behind in term, but not in log, asking forever.
    const last = r.raftLog.lastEntryId();
    r.logger?.(
      "INFO",
      `${hex(r.id)} [logterm: ${last.term}, index: ${last.index}, vote: ${hex(r.vote)}] rejected ${m.type} ` +
        `from ${hex(m.from)} [logterm: ${m.logTerm}, index: ${m.index}] at term ${r.term}`,
    );
    r.send(newMessage("MsgPreVoteResp", { to: m.from, term: r.term, reject: true }));
    return;
  }
  if (m.type === "MsgStorageAppendResp") {
    // The entries may have been replaced in memory in the meantime, by others or by the same again with a third write
    // still on its way; then they must not count as stable yet. A later response of this term will say so.
    if (m.index !== 0) {
      r.logger?.(
        "INFO",
        `${hex(r.id)} [term: ${r.term}] ignored entry appends from a ${m.type} message with lower term [term: ${m.term}]`,
      );
    }
    // A snapshot is committed state, whatever the term.
    if (m.snapshot !== undefined) appliedSnap(r, m.snapshot);
    return;
  }
  r.logger?.(
    "INFO",
    `${hex(r.id)} [term: ${r.term}] ignored a ${m.type} message with lower term from ${hex(m.from)} [term: ${m.term}]`,
  );
}
