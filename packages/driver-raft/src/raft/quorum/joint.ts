// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../types.ts";
import {
  type AckedIndexer,
  describeMajority,
  describeVoters,
  type MajorityConfig,
  majorityCommittedIndex,
  majorityVoteResult,
  type VoteResult,
  type Votes,
} from "./majority.ts";

/** Two majorities that must both agree; `outgoing` is empty outside a change of membership (`raft.md` M1). */
export interface JointConfig {
  readonly incoming: MajorityConfig;
  readonly outgoing: MajorityConfig;
}

/** The highest index that both halves have reached. */
export function jointCommittedIndex(config: JointConfig, acked: AckedIndexer): number {
  const incoming = majorityCommittedIndex(config.incoming, acked);
  return config.outgoing.size === 0 ? incoming : Math.min(incoming, majorityCommittedIndex(config.outgoing, acked));
}

/** Won if both halves are won, lost as soon as one is lost. */
export function jointVoteResult(config: JointConfig, votes: Votes): VoteResult {
  const incoming = majorityVoteResult(config.incoming, votes);
  const outgoing = majorityVoteResult(config.outgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === "VoteLost" || outgoing === "VoteLost" ? "VoteLost" : "VotePending";
}

/** All voters, of either half. */
export function jointIds(config: JointConfig): Set<NodeId> {
  return new Set([...config.incoming, ...config.outgoing]);
}

/** `(1 2 3)`, or `(1 2 3)&&(1)` while joint. */
export function describeJointVoters(config: JointConfig): string {
  const incoming = describeVoters(config.incoming);
  return config.outgoing.size === 0 ? incoming : `${incoming}&&${describeVoters(config.outgoing)}`;
}

/** The progress of all voters of either half, as `describeMajority` prints it. */
export function describeJoint(config: JointConfig, acked: AckedIndexer): string {
  return describeMajority(jointIds(config), acked);
}
