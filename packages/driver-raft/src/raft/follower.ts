// SPDX-License-Identifier: Apache-2.0
import { handleAppendEntries, handleHeartbeat } from "./append-request.ts";
import { hup } from "./campaign.ts";
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { ErrProposalDropped, type StepError } from "./raft-errors.ts";
import { handleSnapshot } from "./snapshot-request.ts";
import { type Entry, type Message, None, newMessage } from "./types.ts";

/** What a follower does with a message of its own term, or a local one. */
export function stepFollower(r: Raft, m: Message): StepError | undefined {
  switch (m.type) {
    case "MsgProp":
      return forwardProposal(r, m);
    case "MsgApp":
      hearLeader(r, m);
      handleAppendEntries(r, m);
      break;
    case "MsgHeartbeat":
      hearLeader(r, m);
      handleHeartbeat(r, m);
      break;
    case "MsgSnap":
      hearLeader(r, m);
      handleSnapshot(r, m);
      break;
    case "MsgTransferLeader":
      forward(r, m, "leader transfer msg");
      break;
    case "MsgForgetLeader":
      forgetLeader(r);
      break;
    case "MsgTimeoutNow":
      r.logger?.(
        "INFO",
        `${hex(r.id)} [term ${r.term}] received MsgTimeoutNow from ${hex(m.from)} ` +
          "and starts an election to get leadership.",
      );
      // No pre-vote: the leader has asked for it, so nobody is disturbed.
      hup(r, "CampaignTransfer");
      break;
    case "MsgReadIndex":
      forward(r, m, "index reading msg");
      break;
    case "MsgReadIndexResp":
      if (m.entries.length !== 1) {
        r.logger?.(
          "ERROR",
          `${hex(r.id)} invalid format of MsgReadIndexResp from ${hex(m.from)}, entries count: ${m.entries.length}`,
        );
        break;
      }
      r.readStates.push({ index: m.index, requestCtx: (m.entries[0] as Entry).data });
      break;
    default:
  }
  return undefined;
}

function hearLeader(r: Raft, m: Message): void {
  r.electionElapsed = 0;
  r.lead = m.from;
}

function forwardProposal(r: Raft, m: Message): StepError | undefined {
  if (r.lead === None) {
    r.logger?.("INFO", `${hex(r.id)} no leader at term ${r.term}; dropping proposal`);
    return ErrProposalDropped;
  }
  if (r.config.disableProposalForwarding === true) {
    r.logger?.("INFO", `${hex(r.id)} not forwarding to leader ${hex(r.lead)} at term ${r.term}; dropping proposal`);
    return ErrProposalDropped;
  }
  r.send(newMessage("MsgProp", { ...m, to: r.lead, term: 0 }));
  return undefined;
}

function forward(r: Raft, m: Message, what: string): void {
  if (r.lead === None) {
    r.logger?.("INFO", `${hex(r.id)} no leader at term ${r.term}; dropping ${what}`);
    return;
  }
  r.send(newMessage(m.type, { ...m, to: r.lead, term: 0 }));
}

/** Lets the follower vote for others before its timeout, unless reads or a lease rest on its silence; the timeout stays. */
function forgetLeader(r: Raft): void {
  if (r.readOnly.option === "ReadOnlyLeaseBased") {
    r.logger?.("ERROR", "ignoring MsgForgetLeader due to ReadOnlyLeaseBased");
    return;
  }
  if (r.lead === None) return;
  r.logger?.("INFO", `${hex(r.id)} forgetting leader ${hex(r.lead)} at term ${r.term}`);
  r.lead = None;
}
