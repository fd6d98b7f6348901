// SPDX-License-Identifier: Apache-2.0
import { maybeCommit } from "./commit.ts";
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { releasePendingReads } from "./reads.ts";
import { bcastAppend, maybeSendAppend, sendAppend } from "./replication.ts";
import type { Progress } from "./tracker/progress.ts";
import { sendTimeoutNow } from "./transfer.ts";
import type { Message } from "./types.ts";

/** The answer of a follower to an append or a snapshot, or the leader's own once its entries are durable. */
export function handleAppendResponse(r: Raft, m: Message, progress: Progress): void {
  progress.recentActive = true;
  if (m.reject) stepBack(r, m, progress);
  else acknowledge(r, m, progress);
}

/**
 * The follower's log does not hold the entry before the append. Its hint is the last place where it could match; and if
 * it says which term it has there, all places where the leader's term is above that can be left out too, since terms
 * never fall along a log (E7). So at most one probe is needed for each term.
 */
function stepBack(r: Raft, m: Message, progress: Progress): void {
  r.logger?.(
    "DEBUG",
    `${hex(r.id)} received MsgAppResp(rejected, hint: (index ${m.rejectHint}, term ${m.logTerm})) ` +
      `from ${hex(m.from)} for index ${m.index}`,
  );
  const hint = m.logTerm > 0 ? r.raftLog.findConflictByTerm(m.rejectHint, m.logTerm).index : m.rejectHint;
  if (!progress.maybeDecrTo(m.index, hint)) return;
  r.logger?.("DEBUG", `${hex(r.id)} decreased progress of ${hex(m.from)} to [${progress}]`);
  if (progress.state === "StateReplicate") progress.becomeProbe();
  sendAppend(r, m.from);
}

function acknowledge(r: Raft, m: Message, progress: Progress): void {
  // Nothing new, except that a probed node which already had everything may replicate again.
  const resumes = progress.match === m.index && progress.state === "StateProbe";
  if (!progress.maybeUpdate(m.index) && !resumes) return;

  switch (progress.state) {
    case "StateProbe":
      progress.becomeReplicate();
      break;
    case "StateSnapshot":
      // Whichever snapshot the node restored: what counts is that the log reaches back to it.
      if (progress.match + 1 >= r.raftLog.firstIndex()) {
        r.logger?.(
          "DEBUG",
          `${hex(r.id)} recovered from needing snapshot, resumed sending replication messages ` +
            `to ${hex(m.from)} [${progress}]`,
        );
        progress.becomeProbe();
        progress.becomeReplicate();
      }
      break;
    case "StateReplicate":
      progress.inflights.freeLE(m.index);
      break;
    default:
      progress.state satisfies never;
  }

  if (maybeCommit(r)) {
    releasePendingReads(r);
    bcastAppend(r);
  } else if (r.id !== m.from && progress.canBumpCommit(r.raftLog.committed)) {
    sendAppend(r, m.from);
  }
  if (r.id === m.from) return;
  // The window may have opened by several messages.
  while (maybeSendAppend(r, m.from, false));
  if (m.from === r.leadTransferee && progress.match === r.raftLog.lastIndex()) {
    r.logger?.("INFO", `${hex(r.id)} sent MsgTimeoutNow to ${hex(m.from)} after received MsgAppResp`);
    sendTimeoutNow(r, m.from);
  }
}
