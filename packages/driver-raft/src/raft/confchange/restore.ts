// SPDX-License-Identifier: Apache-2.0
import type { ConfChangeSingle, ConfChangeType } from "../conf-change.ts";
import type { ProgressTracker } from "../tracker/progress-tracker.ts";
import type { ConfState, NodeId } from "../types.ts";
import { type Changed, Changer } from "./changer.ts";

/**
 * The configuration that a snapshot or a log names, built by the same steps as live changes, so that both obey the
 * same rules. Start from a tracker with the empty configuration.
 *
 * @throws ConfChangeError for a configuration that no changes could have led to.
 */
export function restore(
  tracker: Pick<ProgressTracker, "config" | "progress" | "maxInflight" | "maxInflightBytes">,
  lastIndex: number,
  state: ConfState,
): Changed {
  const { maxInflight, maxInflightBytes } = tracker;
  let now: Changed = { config: tracker.config, progress: tracker.progress };
  const changer = (): Changer => new Changer({ ...now, maxInflight, maxInflightBytes }, lastIndex);
  const incoming = [
    ...steps("ConfChangeRemoveNode", state.votersOutgoing),
    ...steps("ConfChangeAddNode", state.voters),
    ...steps("ConfChangeAddLearnerNode", state.learners),
    ...steps("ConfChangeAddLearnerNode", state.learnersNext),
  ];
  if (state.votersOutgoing.length === 0) {
    for (const step of incoming) now = changer().simple([step]);
    return now;
  }
  for (const step of steps("ConfChangeAddNode", state.votersOutgoing)) now = changer().simple([step]);
  return changer().enterJoint(state.autoLeave, incoming);
}

function steps(type: ConfChangeType, ids: readonly NodeId[]): ConfChangeSingle[] {
  return ids.map((nodeId) => ({ type, nodeId }));
}
