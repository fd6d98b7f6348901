// SPDX-License-Identifier: Apache-2.0
// The core's only clock: ticks, which the host counts and spaces.
import { hup } from "./campaign.ts";
import { checkQuorum } from "./leader.ts";
import type { Raft } from "./raft.ts";
import { bcastHeartbeat } from "./replication.ts";
import { None } from "./types.ts";

export function tick(r: Raft): void {
  if (r.state === "StateLeader") tickLeader(r);
  else tickElection(r);
}

function tickElection(r: Raft): void {
  r.electionElapsed += 1;
  r.promiseElapsed += 1;
  if (!r.promotable() || !r.pastElectionTimeout()) return;
  r.electionElapsed = 0;
  hup(r, r.preVote ? "CampaignPreElection" : "CampaignElection");
}

function tickLeader(r: Raft): void {
  r.heartbeatElapsed += 1;
  r.electionElapsed += 1;
  if (r.electionElapsed >= r.electionTimeout) {
    r.electionElapsed = 0;
    if (r.checkQuorum) checkQuorum(r);
    // A transfer that was not done within T is given up (E12).
    if (isLeader(r)) r.leadTransferee = None;
  }
  if (!isLeader(r)) return;
  if (r.heartbeatElapsed >= r.heartbeatTimeout) {
    r.heartbeatElapsed = 0;
    bcastHeartbeat(r);
  }
}

/** Asked anew, because checking the quorum can end the leadership. */
function isLeader(r: Raft): boolean {
  return r.state === "StateLeader";
}
