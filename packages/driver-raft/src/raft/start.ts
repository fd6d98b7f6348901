// SPDX-License-Identifier: Apache-2.0
// How a node comes up from its storage.
import { restore } from "./confchange/restore.ts";
import { hex } from "./logger.ts";
import { switchToConfig } from "./membership.ts";
import { Raft } from "./raft.ts";
import type { RaftConfig } from "./raft-config.ts";
import { becomeFollower } from "./roles.ts";
import { type ConfState, isEmptyHardState, None } from "./types.ts";

/**
 * A follower with the term, vote, log and configuration of the storage.
 *
 * @throws TypeError for a bad configuration, RaftPanic for a storage that contradicts itself (P5).
 */
export function startRaft(config: RaftConfig): Raft {
  const r = new Raft(config);
  const { hardState, confState } = config.storage.initialState();
  r.emit("InitState");
  const last = r.raftLog.lastEntryId();
  loadConfState(r, confState);
  if (!isEmptyHardState(hardState)) {
    const { committed } = r.raftLog;
    if (hardState.commit < committed || hardState.commit > last.index) {
      r.panic(`state.commit ${hardState.commit} is out of range [${committed}, ${last.index}]`);
    }
    r.raftLog.committed = hardState.commit;
    r.term = hardState.term;
    r.vote = hardState.vote;
  }
  if (config.applied !== undefined && config.applied > 0) r.raftLog.appliedTo(config.applied, 0);
  becomeFollower(r, r.term, None);
  r.logger?.(
    "INFO",
    `newRaft ${hex(r.id)} [peers: [${r.trk.voterNodes().map(hex).join(",")}], term: ${r.term}, ` +
      `commit: ${r.raftLog.committed}, applied: ${r.raftLog.applied}, lastindex: ${last.index}, lastterm: ${last.term}]`,
  );
  return r;
}

/** Makes the configuration of a storage or a snapshot the active one. @throws RaftPanic if nothing could lead to it. */
export function loadConfState(r: Raft, confState: ConfState): void {
  const tracker = r.newTracker();
  const outcome = restore(tracker, r.raftLog.lastIndex(), confState);
  if (!outcome.ok) r.panic(`unable to restore config ${JSON.stringify(confState)}: ${outcome.reason}`);
  r.trk = tracker;
  const restored = switchToConfig(r, outcome.config, outcome.progress);
  if (!sameConfState(confState, restored)) {
    r.panic(`ConfStates not equivalent: ${JSON.stringify(confState)} and ${JSON.stringify(restored)}`);
  }
}

function sameConfState(a: ConfState, b: ConfState): boolean {
  const same = (x: readonly number[], y: readonly number[]): boolean => {
    const sorted = [...x].sort((p, q) => p - q);
    return sorted.length === y.length && sorted.every((id, i) => id === y[i]);
  };
  return (
    same(a.voters, b.voters) &&
    same(a.learners, b.learners) &&
    same(a.votersOutgoing, b.votersOutgoing) &&
    same(a.learnersNext, b.learnersNext) &&
    a.autoLeave === b.autoLeave
  );
}
