// SPDX-License-Identifier: Apache-2.0
import { jointIds } from "../quorum/joint.ts";
import type { Config } from "../tracker/config.ts";
import type { Progress, ProgressMap } from "../tracker/progress.ts";
import type { NodeId } from "../types.ts";

/**
 * The first rule that a configuration breaks, of those that hold for every one; undefined if it is sound. The empty
 * one is, because a new node starts with it. The texts are upstream's, so that both can be compared.
 */
export function brokenInvariant(config: Config, progress: ProgressMap): string | undefined {
  const { incoming, outgoing } = config.voters;
  const learner = (id: NodeId): boolean => (progress.get(id) as Progress).isLearner;
  for (const ids of [jointIds(config.voters), config.learners, config.learnersNext]) {
    for (const id of ids) if (!progress.has(id)) return `no progress for ${id}`;
  }
  // A learner waits only because the outgoing half still needs its vote.
  for (const id of config.learnersNext) {
    if (!outgoing.has(id)) return `${id} is in LearnersNext, but not Voters[1]`;
    if (learner(id)) return `${id} is in LearnersNext, but is already marked as learner`;
  }
  for (const id of config.learners) {
    if (outgoing.has(id)) return `${id} is in Learners and Voters[1]`;
    if (incoming.has(id)) return `${id} is in Learners and Voters[0]`;
    if (!learner(id)) return `${id} is in Learners, but is not marked as learner`;
  }
  if (outgoing.size > 0) return undefined;
  if (config.learnersNext.size > 0) return "cfg.LearnersNext must be nil when not joint";
  return config.autoLeave ? "AutoLeave must be false when not joint" : undefined;
}
