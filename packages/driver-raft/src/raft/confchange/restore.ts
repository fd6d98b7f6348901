// SPDX-License-Identifier: Apache-2.0
import type { ConfChangeSingle, ConfChangeType } from "../conf-change.ts";
import type { InflightLimits } from "../tracker/progress.ts";
import type { ConfState, NodeId } from "../types.ts";
import { type ChangeOutcome, Changer, type Configured } from "./changer.ts";

/**
 * The configuration that a snapshot or a log names, built by the same steps as live changes, so that both obey the
 * same rules. Start from a tracker with the empty configuration. Not ok for one that no changes could have led to.
 */
export function restore(from: Configured & InflightLimits, lastIndex: number, state: ConfState): ChangeOutcome {
  const { maxInflight, maxInflightBytes } = from;
  const removed = steps("ConfChangeRemoveNode", state.votersOutgoing);
  const incoming = [
    ...steps("ConfChangeAddNode", state.voters),
    ...steps("ConfChangeAddLearnerNode", state.learners),
    ...steps("ConfChangeAddLearnerNode", state.learnersNext),
  ];
  const joint = state.votersOutgoing.length > 0;
  let now: ChangeOutcome = { ok: true, config: from.config, progress: from.progress };
  for (const step of joint ? steps("ConfChangeAddNode", state.votersOutgoing) : incoming) {
    now = new Changer({ ...now, maxInflight, maxInflightBytes }, lastIndex).simple([step]);
    if (!now.ok) return now;
  }
  if (!joint) return now;
  return new Changer({ ...now, maxInflight, maxInflightBytes }, lastIndex).enterJoint(state.autoLeave, [
    ...removed,
    ...incoming,
  ]);
}

function steps(type: ConfChangeType, ids: readonly NodeId[]): ConfChangeSingle[] {
  return ids.map((nodeId) => ({ type, nodeId }));
}
