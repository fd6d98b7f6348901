// SPDX-License-Identifier: Apache-2.0
import { handleAppendEntries, handleHeartbeat } from "./append-request.ts";
import { campaign } from "./campaign.ts";
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { ErrProposalDropped, type StepError } from "./raft-errors.ts";
import { bcastAppend } from "./replication.ts";
import { becomeFollower, becomeLeader } from "./roles.ts";
import { handleSnapshot } from "./snapshot-request.ts";
import { type Message, None } from "./types.ts";

/** What a candidate or pre-candidate does with a message of its own term, a pre-vote answer, or a local one. */
export function stepCandidate(r: Raft, m: Message): StepError | undefined {
  switch (m.type) {
    case "MsgProp":
      r.logger?.("INFO", `${hex(r.id)} no leader at term ${r.term}; dropping proposal`);
      return ErrProposalDropped;
    // Somebody has been elected in this term.
    case "MsgApp":
      becomeFollower(r, m.term, m.from);
      handleAppendEntries(r, m);
      break;
    case "MsgHeartbeat":
      becomeFollower(r, m.term, m.from);
      handleHeartbeat(r, m);
      break;
    case "MsgSnap":
      becomeFollower(r, m.term, m.from);
      handleSnapshot(r, m);
      break;
    // Late answers to the other kind of election are not for this one.
    case "MsgPreVoteResp":
      if (r.state === "StatePreCandidate") handleVoteResponse(r, m);
      break;
    case "MsgVoteResp":
      if (r.state === "StateCandidate") handleVoteResponse(r, m);
      break;
    case "MsgTimeoutNow":
      r.logger?.("DEBUG", `${hex(r.id)} [term ${r.term} state ${r.state}] ignored MsgTimeoutNow from ${hex(m.from)}`);
      break;
    default:
  }
  return undefined;
}

function handleVoteResponse(r: Raft, m: Message): void {
  r.logger?.(
    "INFO",
    `${hex(r.id)} received ${m.type} ${m.reject ? "rejection " : ""}from ${hex(m.from)} at term ${r.term}`,
  );
  r.trk.recordVote(m.from, !m.reject);
  const { granted, rejected, result } = r.trk.tallyVotes();
  r.logger?.("INFO", `${hex(r.id)} has received ${granted} ${m.type} votes and ${rejected} vote rejections`);
  switch (result) {
    case "VoteWon":
      if (r.state === "StatePreCandidate") {
        campaign(r, "CampaignElection");
      } else {
        becomeLeader(r);
        bcastAppend(r);
      }
      return;
    case "VoteLost":
      becomeFollower(r, r.term, None);
      return;
    case "VotePending":
      return;
    default:
      result satisfies never;
  }
}
