// SPDX-License-Identifier: Apache-2.0
import { jointIds } from "../quorum/joint.ts";
import type { Config } from "../tracker/config.ts";
import type { Progress, ProgressMap } from "../tracker/progress.ts";
import type { NodeId } from "../types.ts";
import { ConfChangeError } from "./conf-change-error.ts";

/**
 * Checks what holds for every configuration; the empty one is allowed, because a new node starts with it.
 *
 * @throws ConfChangeError naming the first rule that is broken.
 */
export function checkInvariants(config: Config, progress: ProgressMap): void {
  const { incoming, outgoing } = config.voters;
  const learner = (id: NodeId): boolean => (progress.get(id) as Progress).isLearner;
  for (const ids of [jointIds(config.voters), config.learners, config.learnersNext]) {
    for (const id of ids) require(progress.has(id), `no progress for ${id}`);
  }
  // A learner waits only because the outgoing half still needs its vote.
  for (const id of config.learnersNext) {
    require(outgoing.has(id), `${id} is in LearnersNext, but not Voters[1]`);
    require(!learner(id), `${id} is in LearnersNext, but is already marked as learner`);
  }
  for (const id of config.learners) {
    require(!outgoing.has(id), `${id} is in Learners and Voters[1]`);
    require(!incoming.has(id), `${id} is in Learners and Voters[0]`);
    require(learner(id), `${id} is in Learners, but is not marked as learner`);
  }
  if (outgoing.size === 0) {
    require(config.learnersNext.size === 0, "cfg.LearnersNext must be nil when not joint");
    require(!config.autoLeave, "AutoLeave must be false when not joint");
  }
}

function require(holds: boolean, message: string): void {
  if (!holds) throw new ConfChangeError(message);
}
