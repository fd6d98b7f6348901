// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SEQ_KEY_CAP } from "@tsoracle/core";
import type { RaftConfig } from "../raft/raft-config.ts";
import type { NodeId } from "../raft/types.ts";
import type { RaftStorage } from "../storage/storage.ts";

/** What a replica is tuned by. Times are counted in ticks. */
export interface ReplicaSettings {
  /** T: a follower that hears no leader for a random time in [T, 2T) stands for election (E1). */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** A whole number from 0 up to, not including, its argument. */
  readonly randomInt: (exclusiveBound: number) => number;
  /** A snapshot is taken after this many applied entries, or when the log takes this many bytes (E13). */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  /** Entries that are kept behind a snapshot for followers that are slow. */
  readonly trailingEntries: number;
  /** Most sequence keys of a new cluster; an existing one keeps its own. */
  readonly seqKeyCap: number;
}

/** The defaults; one tick is a heartbeat, T is ten of them. */
export const DEFAULT_REPLICA_SETTINGS: Omit<ReplicaSettings, "randomInt"> = Object.freeze({
  electionTicks: 10,
  heartbeatTicks: 1,
  snapshotEntries: 1_000,
  // Segments are laid out in advance, so the log on disk is never smaller than one of them.
  snapshotBytes: 16 * 1024 * 1024,
  trailingEntries: 100,
  seqKeyCap: DEFAULT_SEQ_KEY_CAP,
});

/** How the core is run: pre-vote, checked quorum, embargo, reads by quorum (raft.md 6.3, 6.5). */
export function raftConfigOf(id: NodeId, storage: RaftStorage, applied: number, settings: ReplicaSettings): RaftConfig {
  return {
    id,
    electionTick: settings.electionTicks,
    heartbeatTick: settings.heartbeatTicks,
    storage,
    applied,
    randomInt: settings.randomInt,
    maxSizePerMsg: 1024 * 1024,
    maxCommittedSizePerReady: 4 * 1024 * 1024,
    maxUncommittedEntriesSize: 16 * 1024 * 1024,
    maxInflightMsgs: 64,
    maxInflightBytes: 8 * 1024 * 1024,
    preVote: true,
    checkQuorum: true,
    readOnlyOption: "ReadOnlySafe",
    disableProposalForwarding: true,
    stepDownOnRemoval: true,
    voteEmbargo: true,
    heartbeatRounds: true,
    redrawOnPreVote: true,
    yieldToPreVote: true,
    checkConfChanges: true,
  };
}
