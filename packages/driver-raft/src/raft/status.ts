// SPDX-License-Identifier: Apache-2.0
import type { Raft } from "./raft.ts";
import type { Config } from "./tracker/config.ts";
import type { Progress, ProgressMap } from "./tracker/progress.ts";
import type { HardState, NodeId, SoftState } from "./types.ts";

/** What a node knows of itself. */
export interface BasicStatus {
  readonly id: NodeId;
  readonly hardState: HardState;
  readonly softState: SoftState;
  readonly applied: number;
  readonly leadTransferee: NodeId;
}

export interface Status extends BasicStatus {
  readonly config: Config;
  /** Copies, at a leader; empty at others. */
  readonly progress: ProgressMap;
}

export function basicStatus(r: Raft): BasicStatus {
  return {
    id: r.id,
    hardState: r.hardState(),
    softState: r.softState(),
    applied: r.raftLog.applied,
    leadTransferee: r.leadTransferee,
  };
}

export function status(r: Raft): Status {
  const progress = new Map<NodeId, Progress>();
  if (r.state === "StateLeader") r.trk.visit((id, one) => progress.set(id, one.clone()));
  return { ...basicStatus(r), config: r.trk.config, progress };
}
