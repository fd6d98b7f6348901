// SPDX-License-Identifier: Apache-2.0

import { type ConfChangeV2, enterJoint, leaveJoint } from "./conf-change.ts";
import { type ChangeOutcome, Changer } from "./confchange/changer.ts";
import type { Raft } from "./raft.ts";

/** The configuration that a change would lead to from the active one. Changes nothing. */
export function changedConfig(r: Raft, change: ConfChangeV2): ChangeOutcome {
  const changer = new Changer(r.trk, r.raftLog.lastIndex());
  if (leaveJoint(change)) return changer.leaveJoint();
  const { joint, autoLeave } = enterJoint(change);
  return joint ? changer.enterJoint(autoLeave, change.changes) : changer.simple(change.changes);
}
