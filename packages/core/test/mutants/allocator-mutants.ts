// SPDX-License-Identifier: Apache-2.0
import {
  Allocator,
  type BecomeLeaderResult,
  type CommitResult,
  type Epoch,
  type ExtensionResult,
  type GrantResult,
  type LeadershipWindow,
  type PhysicalMs,
  physicalMs,
  WindowGrant,
} from "../../src/index.ts";

/** Starts a reign at the prior high-water instead of one above it. */
export class StartsAtPriorHighWater extends Allocator {
  override becomeLeader(window: LeadershipWindow): BecomeLeaderResult {
    return super.becomeLeader({ ...window, fenceFloor: physicalMs(Math.max(0, window.fenceFloor - 1)) });
  }
}

/** Applies a commit without looking at its epoch. */
export class CommitsBeforeEpochCheck extends Allocator {
  override commitWindowExtension(persisted: PhysicalMs, expected: Epoch): CommitResult {
    return super.commitWindowExtension(persisted, this.epoch ?? expected);
  }
}

/** Takes an extension for durable as soon as it was asked for. */
export class ServesBeforeDurable extends Allocator {
  override prepareWindowExtension(nowMs: number, aheadMs: number): ExtensionResult {
    const result = super.prepareWindowExtension(nowMs, aheadMs);
    if (result.ok) super.commitWindowExtension(result.atLeast, result.epoch);
    return result;
  }
}

/** Follows the clock back: begins again in a millisecond that it has served from. */
export class FollowsClockBack extends Allocator {
  override tryGrant(nowMs: number, count: number): GrantResult {
    const result = super.tryGrant(nowMs, count);
    if (!result.ok || nowMs >= result.grant.physicalMs || nowMs < 1) return result;
    return { ok: true, grant: new WindowGrant(nowMs, 0, count, result.grant.epoch) };
  }
}

/** Names the millisecond being served from as closed. */
export class ClosesOpenMillisecond extends Allocator {
  override closedWatermark(nowMs: number): PhysicalMs {
    const closed = super.closedWatermark(nowMs);
    return closed === 0 ? closed : physicalMs(Math.min(closed + 1, this.committedHighWater ?? closed));
  }
}

/** Says yes to everything it is asked about. */
export class PromisesTooMuch extends Allocator {
  override wouldGrant(): boolean {
    return this.isLeader;
  }
}
