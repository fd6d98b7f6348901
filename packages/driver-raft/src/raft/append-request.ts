// SPDX-License-Identifier: Apache-2.0
// Appends and heartbeats at a follower.
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { type Message, newMessage } from "./types.ts";

/**
 * Takes the entries if the log holds the entry before them, and acknowledges up to the last of them, not up to the end of
 * the own log, which may differ beyond. Otherwise says where the two logs could match (E7).
 */
export function handleAppendEntries(r: Raft, m: Message): void {
  const log = r.raftLog;
  if (m.index < log.committed) {
    r.send(newMessage("MsgAppResp", { to: m.from, index: log.committed }));
    return;
  }
  const last = log.maybeAppend({ term: m.logTerm, index: m.index }, m.entries, m.commit);
  if (last !== undefined) {
    r.send(newMessage("MsgAppResp", { to: m.from, index: last }));
    return;
  }
  r.logger?.(
    "DEBUG",
    `${hex(r.id)} [logterm: ${log.zeroTermOnOutOfBounds(m.index)}, index: ${m.index}] rejected MsgApp ` +
      `[logterm: ${m.logTerm}, index: ${m.index}] from ${hex(m.from)}`,
  );
  // Nothing of a higher term than the leader has there can match, so all of that is left out at once.
  const hint = log.findConflictByTerm(Math.min(m.index, log.lastIndex()), m.logTerm);
  r.send(
    newMessage("MsgAppResp", {
      to: m.from,
      index: m.index,
      reject: true,
      rejectHint: hint.index,
      logTerm: hint.term,
    }),
  );
}

/** The leader cuts the commit index to what this log is known to match, so it may be taken as it is (E8). */
export function handleHeartbeat(r: Raft, m: Message): void {
  r.raftLog.commitTo(m.commit);
  r.promiseElapsed = 0;
  r.send(newMessage("MsgHeartbeatResp", { to: m.from, context: m.context }));
}
