// SPDX-License-Identifier: Apache-2.0
import { handleAppendResponse } from "./append-response.ts";
import { hex } from "./logger.ts";
import { proposeAtLeader } from "./proposal.ts";
import type { Raft } from "./raft.ts";
import type { StepError } from "./raft-errors.ts";
import { confirmReads, handleReadIndex } from "./reads.ts";
import { bcastHeartbeat, sendAppend } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { Progress } from "./tracker/progress.ts";
import { handleTransferLeader } from "./transfer.ts";
import { type Message, None } from "./types.ts";

/** What a leader does with a message of its own term, or a local one. */
export function stepLeader(r: Raft, m: Message): StepError | undefined {
  switch (m.type) {
    case "MsgBeat":
      bcastHeartbeat(r);
      return undefined;
    case "MsgCheckQuorum":
      checkQuorum(r);
      return undefined;
    case "MsgProp":
      return proposeAtLeader(r, m);
    case "MsgReadIndex":
      handleReadIndex(r, m);
      return undefined;
    case "MsgForgetLeader":
      return undefined;
    default:
  }
  const progress = r.trk.progress.get(m.from);
  if (progress === undefined) {
    r.logger?.("DEBUG", `${hex(r.id)} no progress available for ${hex(m.from)}`);
    return undefined;
  }
  switch (m.type) {
    case "MsgAppResp":
      handleAppendResponse(r, m, progress);
      break;
    case "MsgHeartbeatResp":
      handleHeartbeatResponse(r, m, progress);
      break;
    case "MsgSnapStatus":
      handleSnapStatus(r, m, progress);
      break;
    case "MsgUnreachable":
      // Appends are probably lost; the next answer tells where to go on.
      if (progress.state === "StateReplicate") progress.becomeProbe();
      r.logger?.(
        "DEBUG",
        `${hex(r.id)} failed to send message to ${hex(m.from)} because it is unreachable [${progress}]`,
      );
      break;
    case "MsgTransferLeader":
      handleTransferLeader(r, m, progress);
      break;
    default:
  }
  return undefined;
}

/** A leader that has not heard a quorum for T is one no longer, as far as it can know (E3). */
export function checkQuorum(r: Raft): void {
  if (!r.trk.quorumActive()) {
    r.logger?.("WARN", `${hex(r.id)} stepped down to follower since quorum is not active`);
    becomeFollower(r, r.term, None);
  }
  for (const [id, progress] of r.trk.progress) if (id !== r.id) progress.recentActive = false;
}

function handleHeartbeatResponse(r: Raft, m: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.msgAppFlowPaused = false;
  // Also to a follower that is probed although it has everything: its answer lets it replicate again.
  if (progress.match < r.raftLog.lastIndex() || progress.state === "StateProbe") sendAppend(r, m.from);
  if (m.context.length !== 0) confirmReads(r, m);
}

function handleSnapStatus(r: Raft, m: Message, progress: Progress): void {
  if (progress.state !== "StateSnapshot") return;
  // A failed snapshot must not be taken as the place to go on from.
  if (m.reject) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  r.logger?.(
    "DEBUG",
    `${hex(r.id)} snapshot ${m.reject ? "failed" : "succeeded"}, resumed sending replication messages ` +
      `to ${hex(m.from)} [${progress}]`,
  );
  // If it was taken, the node's own answer comes next; if not, the next heartbeat is soon enough.
  progress.msgAppFlowPaused = true;
}
