// SPDX-License-Identifier: Apache-2.0
import { jointCommittedIndex, jointVoteResult } from "../quorum/joint.ts";
import { type AckedIndexer, sortedIds, type VoteResult, type Votes } from "../quorum/majority.ts";
import type { ConfState, NodeId } from "../types.ts";
import { type Config, confStateOf, emptyConfig } from "./config.ts";
import type { Progress, ProgressMap } from "./progress.ts";

/** How many nodes said yes and no, and what that means for the election. */
export interface Tally {
  readonly granted: number;
  readonly rejected: number;
  readonly result: VoteResult;
}

/** The configuration in use, what is known of each node in it, and the votes of the running election. */
export class ProgressTracker {
  readonly maxInflight: number;
  /** 0 for no limit. */
  readonly maxInflightBytes: number;
  /** Set together with `progress`, which belongs to it. */
  config: Config = emptyConfig;
  #progress: ProgressMap = new Map();
  #ids: readonly NodeId[] = [];
  readonly #votes: Map<NodeId, boolean> = new Map();
  // Made once: the core asks for the committed index on every acknowledgement.
  readonly #match: AckedIndexer = (id) => this.#progress.get(id)?.match;
  readonly #active: Votes = { get: (id) => this.#progress.get(id)?.recentActive };

  constructor(maxInflight: number, maxInflightBytes: number = 0) {
    this.maxInflight = maxInflight;
    this.maxInflightBytes = maxInflightBytes;
  }

  get progress(): ProgressMap {
    return this.#progress;
  }

  set progress(progress: ProgressMap) {
    this.#progress = progress;
    this.#ids = [...progress.keys()].sort((a, b) => a - b);
  }

  /** All nodes of the configuration, ascending. The array is shared: do not change it. */
  ids(): readonly NodeId[] {
    return this.#ids;
  }

  get votes(): ReadonlyMap<NodeId, boolean> {
    return this.#votes;
  }

  /** Whether the node votes in either half. */
  isVoter(id: NodeId): boolean {
    return this.config.voters.incoming.has(id) || this.config.voters.outgoing.has(id);
  }

  confState(): ConfState {
    return confStateOf(this.config);
  }

  /** Whether there is exactly one voter, and no joint configuration: it can decide alone. */
  isSingleton(): boolean {
    return this.config.voters.incoming.size === 1 && this.config.voters.outgoing.size === 0;
  }

  /** The highest index that is in the logs of a quorum (`raft.md` E8, P6). */
  committed(): number {
    return jointCommittedIndex(this.config.voters, this.#match);
  }

  /** The highest value that a quorum has reached, of whatever `acked` tells for each voter. */
  quorumIndex(acked: AckedIndexer): number {
    return jointCommittedIndex(this.config.voters, acked);
  }

  /** Calls `visitor` for each node, in ascending order of ids. */
  visit(visitor: (id: NodeId, progress: Progress) => void): void {
    const ids = this.#ids;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as NodeId;
      visitor(id, this.#progress.get(id) as Progress);
    }
  }

  /** Whether a quorum was heard from since `recentActive` was last cleared (`raft.md` E3). */
  quorumActive(): boolean {
    return jointVoteResult(this.config.voters, this.#active) === "VoteWon";
  }

  /** The voters of both halves, ascending. */
  voterNodes(): NodeId[] {
    return sortedIds(new Set([...this.config.voters.incoming, ...this.config.voters.outgoing]));
  }

  /** The learners, ascending, without those that still vote in the outgoing half. */
  learnerNodes(): NodeId[] {
    return sortedIds(this.config.learners);
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** Takes a vote; the first of each node counts (`raft.md` E6). */
  recordVote(id: NodeId, vote: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, vote);
  }

  /** Counts the votes; those of learners and strangers count for nothing. */
  tallyVotes(): Tally {
    let granted = 0;
    let rejected = 0;
    for (const [id, vote] of this.#votes) {
      const progress = this.#progress.get(id);
      if (progress === undefined || progress.isLearner) continue;
      if (vote) granted++;
      else rejected++;
    }
    return { granted, rejected, result: jointVoteResult(this.config.voters, this.#votes) };
  }
}
