// SPDX-License-Identifier: Apache-2.0
import { describeJointVoters, type JointConfig } from "../quorum/joint.ts";
import { describeVoters, sortedIds } from "../quorum/majority.ts";
import type { ConfState, NodeId } from "../types.ts";

/**
 * Who is in the cluster and in which role. Voters and learners never overlap: a voter of the outgoing half that is to
 * become a learner waits in `learnersNext` until the joint configuration is left. Never changed in place.
 */
export interface Config {
  readonly voters: JointConfig;
  readonly learners: ReadonlySet<NodeId>;
  readonly learnersNext: ReadonlySet<NodeId>;
  /** The leader leaves the joint configuration by itself as soon as that is applied. */
  readonly autoLeave: boolean;
}

export const emptyConfig: Config = Object.freeze({
  voters: Object.freeze({ incoming: new Set<NodeId>(), outgoing: new Set<NodeId>() }),
  learners: new Set<NodeId>(),
  learnersNext: new Set<NodeId>(),
  autoLeave: false,
});

export function isJoint(config: Config): boolean {
  return config.voters.outgoing.size > 0;
}

/** `voters=(1 2)&&(1) learners=(3) learners_next=(4) autoleave`; what is empty is left out, except the voters. */
export function describeConfig(config: Config): string {
  let text = `voters=${describeJointVoters(config.voters)}`;
  if (config.learners.size > 0) text += ` learners=${describeVoters(config.learners)}`;
  if (config.learnersNext.size > 0) text += ` learners_next=${describeVoters(config.learnersNext)}`;
  if (config.autoLeave) text += " autoleave";
  return text;
}

/** The configuration as snapshots and storage hold it, ids ascending. */
export function confStateOf(config: Config): ConfState {
  return {
    voters: sortedIds(config.voters.incoming),
    learners: sortedIds(config.learners),
    votersOutgoing: sortedIds(config.voters.outgoing),
    learnersNext: sortedIds(config.learnersNext),
    autoLeave: config.autoLeave,
  };
}
