// SPDX-License-Identifier: Apache-2.0
// Leadership transfer (`raft.md` E12). While one is under way the leader takes no proposals; the host stops serving and
// drops its lease before it asks for one, and the core gives up after T.
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { sendAppend } from "./replication.ts";
import type { Progress } from "./tracker/progress.ts";
import { type Message, type NodeId, None, newMessage } from "./types.ts";

/** Lets `m.from` stand for election as soon as it has the whole log. */
export function handleTransferLeader(r: Raft, m: Message, progress: Progress): void {
  const target = m.from;
  if (progress.isLearner) {
    r.logger?.("DEBUG", `${hex(r.id)} is learner. Ignored transferring leadership`);
    return;
  }
  const earlier = r.leadTransferee;
  if (earlier !== None) {
    if (earlier === target) {
      r.logger?.(
        "INFO",
        `${hex(r.id)} [term ${r.term}] transfer leadership to ${hex(target)} is in progress, ` +
          `ignores request to same node ${hex(target)}`,
      );
      return;
    }
    r.leadTransferee = None;
    r.logger?.("INFO", `${hex(r.id)} [term ${r.term}] abort previous transferring leadership to ${hex(earlier)}`);
  }
  if (target === r.id) {
    r.logger?.("DEBUG", `${hex(r.id)} is already leader. Ignored transferring leadership to self`);
    return;
  }
  r.logger?.("INFO", `${hex(r.id)} [term ${r.term}] starts to transfer leadership to ${hex(target)}`);
  r.electionElapsed = 0;
  r.leadTransferee = target;
  if (progress.match === r.raftLog.lastIndex()) {
    sendTimeoutNow(r, target);
    r.logger?.(
      "INFO",
      `${hex(r.id)} sends MsgTimeoutNow to ${hex(target)} immediately as ${hex(target)} already has up-to-date log`,
    );
  } else {
    sendAppend(r, target);
  }
}

export function sendTimeoutNow(r: Raft, to: NodeId): void {
  r.timeoutNowSent = true;
  r.send(newMessage("MsgTimeoutNow", { to }));
}
