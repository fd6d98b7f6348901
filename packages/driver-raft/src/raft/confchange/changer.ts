// SPDX-License-Identifier: Apache-2.0
import type { ConfChangeSingle } from "../conf-change.ts";
import type { MajorityConfig } from "../quorum/majority.ts";
import { type Config, isJoint } from "../tracker/config.ts";
import { Inflights } from "../tracker/inflights.ts";
import { Progress, type ProgressMap } from "../tracker/progress.ts";
import type { ProgressTracker } from "../tracker/progress-tracker.ts";
import type { NodeId } from "../types.ts";
import { ConfChangeError } from "./conf-change-error.ts";
import { checkInvariants } from "./invariants.ts";

/** A configuration and the progress that belongs to it, for `ProgressTracker.switchTo`. */
export interface Changed {
  readonly config: Config;
  readonly progress: ProgressMap;
}

/** The configuration while it is being changed. */
interface Draft {
  readonly incoming: Set<NodeId>;
  outgoing: Set<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
  autoLeave: boolean;
  readonly progress: Map<NodeId, Progress>;
}

/**
 * Computes the configuration that a change leads to, and leaves the one in use as it is. All methods throw
 * ConfChangeError for a change that is not allowed.
 */
export class Changer {
  readonly #from: Changed;
  readonly #limits: Pick<ProgressTracker, "maxInflight" | "maxInflightBytes">;
  readonly #lastIndex: number;

  /**
   * @param tracker the configuration to start from, and the limits of the window for new nodes
   * @param lastIndex of the leader's log: new nodes are probed from there
   */
  constructor(
    tracker: Pick<ProgressTracker, "config" | "progress" | "maxInflight" | "maxInflightBytes">,
    lastIndex: number,
  ) {
    this.#from = { config: tracker.config, progress: tracker.progress };
    this.#limits = tracker;
    this.#lastIndex = lastIndex;
  }

  /** Applies the steps to the incoming half, and keeps today's voters as the outgoing half (`raft.md` M1). */
  enterJoint(autoLeave: boolean, changes: readonly ConfChangeSingle[]): Changed {
    const draft = this.#draft();
    if (isJoint(this.#from.config)) throw new ConfChangeError("config is already joint");
    if (draft.incoming.size === 0) throw new ConfChangeError("can't make a zero-voter config joint");
    draft.outgoing = new Set(draft.incoming);
    this.#apply(draft, changes);
    draft.autoLeave = autoLeave;
    return finished(draft);
  }

  /** Drops the outgoing half, with the nodes that were only in there; waiting learners become learners. */
  leaveJoint(): Changed {
    const draft = this.#draft();
    if (!isJoint(this.#from.config)) throw new ConfChangeError("can't leave a non-joint config");
    for (const id of draft.learnersNext) {
      draft.learners.add(id);
      (draft.progress.get(id) as Progress).isLearner = true;
    }
    draft.learnersNext.clear();
    for (const id of draft.outgoing) {
      if (!draft.incoming.has(id) && !draft.learners.has(id)) draft.progress.delete(id);
    }
    draft.outgoing = new Set();
    draft.autoLeave = false;
    return finished(draft);
  }

  /** Applies steps that change at most one voter, so that the majorities before and after overlap. */
  simple(changes: readonly ConfChangeSingle[]): Changed {
    const draft = this.#draft();
    if (isJoint(this.#from.config)) throw new ConfChangeError("can't apply simple config change in joint config");
    this.#apply(draft, changes);
    if (difference(this.#from.config.voters.incoming, draft.incoming) > 1) {
      throw new ConfChangeError("more than one voter changed without entering joint config");
    }
    return finished(draft);
  }

  #draft(): Draft {
    const { config, progress } = this.#from;
    checkInvariants(config, progress);
    return {
      incoming: new Set(config.voters.incoming),
      outgoing: new Set(config.voters.outgoing),
      learners: new Set(config.learners),
      learnersNext: new Set(config.learnersNext),
      autoLeave: config.autoLeave,
      progress: new Map([...progress].map(([id, one]) => [id, one.clone()])),
    };
  }

  #apply(draft: Draft, changes: readonly ConfChangeSingle[]): void {
    for (const { type, nodeId } of changes) {
      // Whoever refuses a committed change blanks its node id, so that it is applied as nothing by everybody.
      if (nodeId === 0) continue;
      switch (type) {
        case "ConfChangeAddNode":
          this.#makeVoter(draft, nodeId);
          break;
        case "ConfChangeAddLearnerNode":
          this.#makeLearner(draft, nodeId);
          break;
        case "ConfChangeRemoveNode":
          remove(draft, nodeId);
          break;
        case "ConfChangeUpdateNode":
          break;
        default:
          throw new ConfChangeError(`unexpected conf type ${String(type satisfies never)}`);
      }
    }
    if (draft.incoming.size === 0) throw new ConfChangeError("removed all voters");
  }

  #makeVoter(draft: Draft, id: NodeId): void {
    const progress = draft.progress.get(id) ?? this.#newProgress(draft, id);
    progress.isLearner = false;
    draft.learners.delete(id);
    draft.learnersNext.delete(id);
    draft.incoming.add(id);
  }

  #makeLearner(draft: Draft, id: NodeId): void {
    const progress = draft.progress.get(id) ?? this.#newProgress(draft, id);
    if (progress.isLearner) return;
    remove(draft, id);
    draft.progress.set(id, progress);
    if (draft.outgoing.has(id)) {
      draft.learnersNext.add(id);
    } else {
      progress.isLearner = true;
      draft.learners.add(id);
    }
  }

  #newProgress(draft: Draft, id: NodeId): Progress {
    const progress = new Progress({
      match: 0,
      next: Math.max(this.#lastIndex, 1),
      inflights: new Inflights(this.#limits.maxInflight, this.#limits.maxInflightBytes),
      // A new node counts as heard from, or the leader could step down before it had a chance to answer.
      recentActive: true,
    });
    draft.progress.set(id, progress);
    return progress;
  }
}

/** Its progress is kept while the outgoing half still needs its vote. */
function remove(draft: Draft, id: NodeId): void {
  if (!draft.progress.has(id)) return;
  draft.incoming.delete(id);
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
  if (!draft.outgoing.has(id)) draft.progress.delete(id);
}

/** How many nodes are in exactly one of the two. */
function difference(a: MajorityConfig, b: MajorityConfig): number {
  let count = 0;
  for (const id of a) if (!b.has(id)) count++;
  for (const id of b) if (!a.has(id)) count++;
  return count;
}

function finished(draft: Draft): Changed {
  const { incoming, outgoing, learners, learnersNext, autoLeave, progress } = draft;
  const config: Config = { voters: { incoming, outgoing }, learners, learnersNext, autoLeave };
  checkInvariants(config, progress);
  return { config, progress };
}
