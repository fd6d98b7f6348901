// SPDX-License-Identifier: Apache-2.0
// Standing for election.
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { becomeCandidate, becomePreCandidate } from "./roles.ts";
import { emptyBytes, newMessage } from "./types.ts";

/** Why a node stands: a timeout, first asking or for real, or because the leader asked it to. */
export type CampaignType = "CampaignPreElection" | "CampaignElection" | "CampaignTransfer";

/** The context of a vote request that followers answer even while they hear the leader (E3, E12). */
export const transferContext: Uint8Array = new TextEncoder().encode("CampaignTransfer");

export function isTransferContext(context: Uint8Array): boolean {
  if (context.length !== transferContext.length) return false;
  for (let i = 0; i < context.length; i++) if (context[i] !== transferContext[i]) return false;
  return true;
}

/** Begins an election if the node may stand. */
export function hup(r: Raft, type: CampaignType): void {
  if (r.state === "StateLeader") {
    r.logger?.("DEBUG", `${hex(r.id)} ignoring MsgHup because already leader`);
    return;
  }
  // The vote for oneself is a vote too: a node that has forgotten whom it heard must not help to depose a leader (Q4).
  if ((r.voteEmbargo || r.bound()) && type !== "CampaignTransfer") {
    r.logger?.("INFO", `${hex(r.id)} does not campaign: a leader that it heard may have a lease`);
    return;
  }
  if (!r.promotable()) {
    r.logger?.("WARN", `${hex(r.id)} is unpromotable and can not campaign`);
    return;
  }
  if (hasUnappliedConfChanges(r)) {
    r.logger?.(
      "WARN",
      `${hex(r.id)} cannot campaign at term ${r.term} since there are still pending configuration changes to apply`,
    );
    return;
  }
  r.logger?.("INFO", `${hex(r.id)} is starting a new election at term ${r.term}`);
  campaign(r, type);
}

/** Asks all voters. The node's own vote counts when it is durable, like the others (P2). */
export function campaign(r: Raft, type: CampaignType): void {
  const preVote = type === "CampaignPreElection";
  if (preVote) becomePreCandidate(r);
  else becomeCandidate(r);
  // A pre-vote asks for the term that the election would have.
  const term = preVote ? r.term + 1 : r.term;
  const request = preVote ? "MsgPreVote" : "MsgVote";
  const last = r.raftLog.lastEntryId();
  const context = type === "CampaignTransfer" ? transferContext : emptyBytes;
  for (const id of r.trk.voterNodes()) {
    if (id === r.id) {
      r.send(newMessage(preVote ? "MsgPreVoteResp" : "MsgVoteResp", { to: id, term }));
      continue;
    }
    r.logger?.(
      "INFO",
      `${hex(r.id)} [logterm: ${last.term}, index: ${last.index}] sent ${request} request to ${hex(id)} at term ${r.term}`,
    );
    r.send(newMessage(request, { to: id, term, index: last.index, logTerm: last.term, context }));
  }
}

/**
 * Whether a committed configuration change waits to be applied. Its quorum may differ from the active one, so a node in
 * between could be elected by a quorum that does not count any more.
 */
function hasUnappliedConfChanges(r: Raft): boolean {
  if (r.raftLog.applied >= r.raftLog.committed) return false;
  return r.raftLog.some(r.raftLog.applied + 1, r.raftLog.committed + 1, (entry) => entry.type !== "EntryNormal");
}
