// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../types.ts";
import { Inflights } from "./inflights.ts";

/**
 * How a leader sends to a follower: one append at a time while it does not know where the logs match, a stream of
 * appends once it does, none while a snapshot is on its way (`raft.md` E9).
 */
export type ProgressState = "StateProbe" | "StateReplicate" | "StateSnapshot";

export interface ProgressOptions {
  readonly match: number;
  readonly next: number;
  readonly inflights: Inflights;
  readonly isLearner?: boolean;
  readonly recentActive?: boolean;
}

/** What a leader knows of one node's log. Invariant: match < next. */
export class Progress {
  /** The highest index at which the follower's log is known to equal the leader's. */
  match: number;
  /** The first index of the next append; while replicating, appends up to `next - 1` are on the way. */
  next: number;
  /** The highest commit index that was sent to the follower; it may have been lost. */
  sentCommit = 0;
  state: ProgressState = "StateProbe";
  /** Of the snapshot on its way; 0 in other states. */
  pendingSnapshot = 0;
  /** Heard from since the last check of the quorum. */
  recentActive: boolean;
  /** No append may be sent until an answer or a heartbeat answer comes. */
  msgAppFlowPaused = false;
  readonly inflights: Inflights;
  isLearner: boolean;

  constructor(options: ProgressOptions) {
    this.match = options.match;
    this.next = options.next;
    this.inflights = options.inflights;
    this.isLearner = options.isLearner ?? false;
    this.recentActive = options.recentActive ?? false;
  }

  /** A copy that a change of configuration can alter without touching the one in use; the window is shared. */
  clone(): Progress {
    const copy = new Progress(this);
    copy.sentCommit = this.sentCommit;
    copy.state = this.state;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.msgAppFlowPaused = this.msgAppFlowPaused;
    return copy;
  }

  /** Enters a state with nothing paused, pending or on the way. */
  resetState(state: ProgressState): void {
    this.msgAppFlowPaused = false;
    this.pendingSnapshot = 0;
    this.state = state;
    this.inflights.reset();
  }

  /** After a snapshot the probe starts behind it, if the follower took it; otherwise behind the last match. */
  becomeProbe(): void {
    if (this.state === "StateSnapshot") {
      const pending = this.pendingSnapshot;
      this.resetState("StateProbe");
      this.next = Math.max(this.match + 1, pending + 1);
    } else {
      this.resetState("StateProbe");
      this.next = this.match + 1;
    }
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.resetState("StateReplicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.resetState("StateSnapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** Notes an append of so many entries and bytes, possibly none, as sent. */
  sentEntries(entries: number, bytes: number): void {
    switch (this.state) {
      case "StateReplicate":
        if (entries > 0) {
          this.next += entries;
          this.inflights.add(this.next - 1, bytes);
        }
        this.msgAppFlowPaused = this.inflights.full();
        return;
      case "StateProbe":
        // One append at a time: the answer tells whether the logs match there.
        if (entries > 0) this.msgAppFlowPaused = true;
        return;
      case "StateSnapshot":
        throw new Error("no append is sent while a snapshot is on its way");
      default:
        throw new TypeError(`unknown state ${String(this.state satisfies never)}`);
    }
  }

  /** Whether a message is worth sending just to raise the follower's commit index to `commit`. */
  canBumpCommit(commit: number): boolean {
    // Above next - 1 the follower would cut the index down anyway, so nothing is gained by sending it again.
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  sentCommitted(commit: number): void {
    this.sentCommit = commit;
  }

  /** Takes an acknowledgement up to `index`; false if it says nothing new. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.msgAppFlowPaused = false;
    return true;
  }

  /**
   * Takes the rejection of an append whose previous index was `rejected`, and steps back to at most `matchHint + 1`.
   * False for a rejection that is out of date: it was overtaken by an acknowledgement or by a later probe.
   */
  maybeDecrTo(rejected: number, matchHint: number): boolean {
    if (this.state === "StateReplicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.sentCommit = Math.min(this.sentCommit, this.next - 1);
      return true;
    }
    // While probing, only the answer to the one append that is on the way counts.
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, matchHint + 1), this.match + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    this.msgAppFlowPaused = false;
    return true;
  }

  /** Whether appends must wait. */
  isPaused(): boolean {
    switch (this.state) {
      case "StateProbe":
      case "StateReplicate":
        return this.msgAppFlowPaused;
      case "StateSnapshot":
        return true;
      default:
        throw new TypeError(`unknown state ${String(this.state satisfies never)}`);
    }
  }

  /** `StateReplicate match=3 next=5 learner paused pendingSnap=9 inactive inflight=2[full]`, as far as it applies. */
  toString(): string {
    let text = `${this.state} match=${this.match} next=${this.next}`;
    if (this.isLearner) text += " learner";
    if (this.isPaused()) text += " paused";
    if (this.pendingSnapshot > 0) text += ` pendingSnap=${this.pendingSnapshot}`;
    if (!this.recentActive) text += " inactive";
    if (this.inflights.count > 0) {
      text += ` inflight=${this.inflights.count}${this.inflights.full() ? "[full]" : ""}`;
    }
    return text;
  }
}

export type ProgressMap = Map<NodeId, Progress>;

/** How much may be on the way to one node: appends, and bytes (0 for no limit). */
export interface InflightLimits {
  readonly maxInflight: number;
  readonly maxInflightBytes: number;
}

/** Progress with an empty window. */
export function newProgress(limits: InflightLimits, match: number, next: number, isLearner: boolean): Progress {
  const inflights = new Inflights(limits.maxInflight, limits.maxInflightBytes);
  return new Progress({ match, next, inflights, isLearner });
}

/** One line `id: progress` per node, ascending. */
export function describeProgressMap(progress: ReadonlyMap<NodeId, Progress>): string {
  return [...progress.keys()]
    .sort((a, b) => a - b)
    .map((id) => `${id}: ${progress.get(id)}\n`)
    .join("");
}
