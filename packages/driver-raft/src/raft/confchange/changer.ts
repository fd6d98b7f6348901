// SPDX-License-Identifier: Apache-2.0
import type { ConfChangeSingle } from "../conf-change.ts";
import type { MajorityConfig } from "../quorum/majority.ts";
import { type Config, isJoint } from "../tracker/config.ts";
import { type InflightLimits, newProgress, type Progress, type ProgressMap } from "../tracker/progress.ts";
import type { NodeId } from "../types.ts";
import { brokenInvariant } from "./invariants.ts";

/** A configuration with the progress that belongs to it. */
export interface Configured {
  readonly config: Config;
  readonly progress: ProgressMap;
}

/** What a change leads to, or why it is not allowed. */
export type ChangeOutcome = ({ readonly ok: true } & Configured) | { readonly ok: false; readonly reason: string };

/** The configuration while it is being changed. */
interface Draft {
  readonly incoming: Set<NodeId>;
  outgoing: Set<NodeId>;
  readonly learners: Set<NodeId>;
  readonly learnersNext: Set<NodeId>;
  autoLeave: boolean;
  readonly progress: Map<NodeId, Progress>;
}

/** Computes the configuration that a change leads to, and leaves the one in use, and its progress, as they are. */
export class Changer {
  readonly #from: Configured & InflightLimits;
  readonly #lastIndex: number;

  /**
   * @param from what to start from, and the limits of the window for new nodes: a `ProgressTracker`
   * @param lastIndex of the leader's log: new nodes are probed from there
   */
  constructor(from: Configured & InflightLimits, lastIndex: number) {
    this.#from = from;
    this.#lastIndex = lastIndex;
  }

  /** Applies the steps to the incoming half, and keeps today's voters as the outgoing half (`raft.md` M1). */
  enterJoint(autoLeave: boolean, changes: readonly ConfChangeSingle[]): ChangeOutcome {
    return this.#change((draft) => {
      if (isJoint(this.#from.config)) return "config is already joint";
      if (draft.incoming.size === 0) return "can't make a zero-voter config joint";
      draft.outgoing = new Set(draft.incoming);
      draft.autoLeave = autoLeave;
      return this.#apply(draft, changes);
    });
  }

  /** Drops the outgoing half, with the nodes that were only in there; waiting learners become learners. */
  leaveJoint(): ChangeOutcome {
    return this.#change((draft) => {
      if (!isJoint(this.#from.config)) return "can't leave a non-joint config";
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
      return undefined;
    });
  }

  /** Applies steps that change at most one voter, so that the majorities before and after overlap. */
  simple(changes: readonly ConfChangeSingle[]): ChangeOutcome {
    return this.#change((draft) => {
      if (isJoint(this.#from.config)) return "can't apply simple config change in joint config";
      const refused = this.#apply(draft, changes);
      if (refused !== undefined) return refused;
      const changed = difference(this.#from.config.voters.incoming, draft.incoming);
      return changed > 1 ? "more than one voter changed without entering joint config" : undefined;
    });
  }

  /** Changes a copy; `edit` returns why not, if so. Both ends are checked, so that nothing unsound is built upon. */
  #change(edit: (draft: Draft) => string | undefined): ChangeOutcome {
    const { config, progress } = this.#from;
    const unsound = brokenInvariant(config, progress);
    if (unsound !== undefined) return { ok: false, reason: unsound };
    const draft: Draft = {
      incoming: new Set(config.voters.incoming),
      outgoing: new Set(config.voters.outgoing),
      learners: new Set(config.learners),
      learnersNext: new Set(config.learnersNext),
      autoLeave: config.autoLeave,
      progress: new Map([...progress].map(([id, one]) => [id, one.clone()])),
    };
    const refused = edit(draft);
    if (refused !== undefined) return { ok: false, reason: refused };
    const { incoming, outgoing, learners, learnersNext, autoLeave } = draft;
    const changed: Config = { voters: { incoming, outgoing }, learners, learnersNext, autoLeave };
    const broken = brokenInvariant(changed, draft.progress);
    if (broken !== undefined) return { ok: false, reason: broken };
    return { ok: true, config: changed, progress: draft.progress };
  }

  #apply(draft: Draft, changes: readonly ConfChangeSingle[]): string | undefined {
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
          return `unexpected conf type ${String(type satisfies never)}`;
      }
    }
    return draft.incoming.size === 0 ? "removed all voters" : undefined;
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
    const progress = newProgress(this.#from, 0, Math.max(this.#lastIndex, 1), false);
    // A new node counts as heard from, or the leader could step down before it had a chance to answer.
    progress.recentActive = true;
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
