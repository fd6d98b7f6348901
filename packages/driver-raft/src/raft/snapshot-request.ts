// SPDX-License-Identifier: Apache-2.0
// Snapshots at a follower (`raft.md` E11).
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { becomeFollower } from "./roles.ts";
import { loadConfState } from "./start.ts";
import { emptySnapshot, type Message, None, newMessage, type Snapshot } from "./types.ts";

export function handleSnapshot(r: Raft, m: Message): void {
  const snapshot = m.snapshot ?? emptySnapshot;
  const restored = restore(r, snapshot);
  r.logger?.(
    "INFO",
    `${hex(r.id)} [commit: ${r.raftLog.committed}] ${restored ? "restored" : "ignored"} snapshot ` +
      `[index: ${snapshot.metadata.index}, term: ${snapshot.metadata.term}]`,
  );
  r.send(newMessage("MsgAppResp", { to: m.from, index: restored ? r.raftLog.lastIndex() : r.raftLog.committed }));
}

/**
 * Replaces log and configuration by the snapshot, unless everything in it is committed here already. If the log holds
 * the snapshot's last entry the snapshot only proves that it is committed; nothing is thrown away then.
 */
function restore(r: Raft, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.metadata;
  if (index <= r.raftLog.committed) return false;
  if (r.state !== "StateFollower") {
    // Cannot happen; a new term at least makes sure that it does no harm.
    r.logger?.("WARN", `${hex(r.id)} attempted to restore snapshot as leader; should never happen`);
    becomeFollower(r, r.term + 1, None);
    return false;
  }
  const member =
    confState.voters.includes(r.id) || confState.learners.includes(r.id) || confState.votersOutgoing.includes(r.id);
  if (!member) {
    r.logger?.(
      "WARN",
      `${hex(r.id)} attempted to restore snapshot but it is not in the ConfState; should never happen`,
    );
    return false;
  }
  if (r.raftLog.matchTerm({ term, index })) {
    const last = r.raftLog.lastEntryId();
    r.logger?.(
      "INFO",
      `${hex(r.id)} [commit: ${r.raftLog.committed}, lastindex: ${last.index}, lastterm: ${last.term}] ` +
        `fast-forwarded commit to snapshot [index: ${index}, term: ${term}]`,
    );
    r.raftLog.commitTo(index);
    return false;
  }
  r.raftLog.restore(snapshot);
  loadConfState(r, snapshot.metadata.confState);
  const last = r.raftLog.lastEntryId();
  r.logger?.(
    "INFO",
    `${hex(r.id)} [commit: ${r.raftLog.committed}, lastindex: ${last.index}, lastterm: ${last.term}] ` +
      `restored snapshot [index: ${index}, term: ${term}]`,
  );
  return true;
}
