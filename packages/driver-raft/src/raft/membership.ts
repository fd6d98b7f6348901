// SPDX-License-Identifier: Apache-2.0
// Configurations take effect when they are applied, here and nowhere else (`raft.md` M3).
import { changedConfig } from "./change-config.ts";
import { maybeCommit } from "./commit.ts";
import type { ConfChangeV2 } from "./conf-change.ts";
import { hex } from "./logger.ts";
import type { Raft } from "./raft.ts";
import { bcastAppend, bcastMissingEntries } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { type Config, describeConfig } from "./tracker/config.ts";
import type { ProgressMap } from "./tracker/progress.ts";
import { type ConfState, None } from "./types.ts";

/** Applies a committed change. @throws RaftPanic if it does not fit, which the checks at proposal prevent. */
export function applyConfChange(r: Raft, change: ConfChangeV2): ConfState {
  const outcome = changedConfig(r, change);
  if (!outcome.ok) r.panic(outcome.reason);
  return switchToConfig(r, outcome.config, outcome.progress);
}

/** Makes a configuration the active one and does what follows from it. */
export function switchToConfig(r: Raft, config: Config, progress: ProgressMap): ConfState {
  r.trk.config = config;
  r.trk.progress = progress;
  r.emit("ApplyConfChange");
  r.logger?.("INFO", `${hex(r.id)} switched to configuration ${describeConfig(config)}`);
  const confState = r.trk.confState();
  const own = progress.get(r.id);
  r.isLearner = own?.isLearner ?? false;

  if (r.state !== "StateLeader") return confState;
  if (own === undefined || r.isLearner) {
    // A removed leader does not count itself any more; it leads on until others have what it has, unless told not to (M4).
    if (r.config.stepDownOnRemoval === true) becomeFollower(r, r.term, None);
    return confState;
  }
  if (confState.voters.length === 0) return confState;

  // A smaller quorum may have committed more already; new nodes need not wait for the next heartbeat.
  if (maybeCommit(r)) bcastAppend(r);
  else bcastMissingEntries(r);
  if (!r.trk.isVoter(r.leadTransferee)) r.leadTransferee = None;
  return confState;
}
