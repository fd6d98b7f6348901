// SPDX-License-Identifier: Apache-2.0
import { isClockReading } from "./clock.ts";
import { EPOCH_ZERO, type Epoch } from "./epoch.ts";
import { WindowGrant } from "./grant.ts";
import { invariant } from "./invariant.ts";
import { LOGICAL_MAX, MAX_TIMESTAMPS_PER_RPC, PHYSICAL_MS_MAX } from "./limits.ts";
import { isPhysicalMs, PHYSICAL_MS_ZERO, type PhysicalMs, physicalMs } from "./physical-ms.ts";

/** Why a grant was refused, with the offending value. */
export type GrantRefusal =
  | { readonly ok: false; readonly reason: "invalid_count"; readonly count: number }
  | { readonly ok: false; readonly reason: "not_leader" }
  | { readonly ok: false; readonly reason: "clock_out_of_range"; readonly nowMs: number }
  | { readonly ok: false; readonly reason: "physical_ms_out_of_range"; readonly physicalMs: number }
  | { readonly ok: false; readonly reason: "window_exhausted" };

export type GrantResult = { readonly ok: true; readonly grant: WindowGrant } | GrantRefusal;

/** What to ask the driver for, or why there is nothing to ask for. */
export type ExtensionResult =
  | { readonly ok: true; readonly atLeast: PhysicalMs; readonly epoch: Epoch }
  | { readonly ok: false; readonly reason: "not_leader" }
  | { readonly ok: false; readonly reason: "clock_out_of_range"; readonly nowMs: number }
  | { readonly ok: false; readonly reason: "physical_ms_out_of_range"; readonly physicalMs: number };

/** What became of a persisted extension. Ignoring one is an outcome, not an error. */
export type CommitResult =
  | { readonly outcome: "applied"; readonly highWater: PhysicalMs }
  | { readonly outcome: "ignored"; readonly reason: "not_leader" }
  | {
      readonly outcome: "ignored";
      readonly reason: "epoch_mismatch";
      readonly expected: Epoch;
      readonly current: Epoch;
    }
  | {
      readonly outcome: "ignored";
      readonly reason: "not_advanced";
      readonly persisted: PhysicalMs;
      readonly committed: PhysicalMs;
    };

/** A window that a new leader has made durable and may serve from. */
export interface LeadershipWindow {
  /** First millisecond to serve: above everything that an earlier leader can have served. */
  readonly fenceFloor: PhysicalMs;
  /** Durable high-water, inclusive. */
  readonly committedCeiling: PhysicalMs;
  readonly epoch: Epoch;
}

export type BecomeLeaderResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: "invalid_leadership_window";
      readonly fenceFloor: PhysicalMs;
      readonly committedCeiling: PhysicalMs;
    };

type State =
  | { readonly role: "not_leader" }
  | {
      readonly role: "leader";
      readonly epoch: Epoch;
      committedHighWater: PhysicalMs;
      nextPhysicalMs: number;
      nextLogical: number;
    };

interface Cursor {
  physicalMs: number;
  logical: number;
}

const NOT_LEADER: State = Object.freeze({ role: "not_leader" });

/**
 * Hands out timestamps from a window whose upper bound is durable: `tsoracle-behaviour.md` 1.5.
 *
 * The window state machine is synchronous and does no I/O; the time is an argument. Its owner moves
 * the bound ahead by asking a driver for what {@link Allocator.prepareWindowExtension} or
 * {@link Allocator.prepareBackgroundExtension} names and reporting what was persisted to
 * {@link Allocator.commitWindowExtension}.
 *
 * Invariants:
 * - I1: no grant has a physical part above the committed high-water.
 * - I2: the committed high-water is at most 2^46-1.
 * - I3: the cursor never goes back within an epoch, nor below the fence floor.
 * - I4: `wouldGrant` and `tryGrant` agree for the same arguments.
 * - I5: the committed high-water only rises within an epoch.
 * - I6: a commit from another epoch changes nothing.
 */
export class Allocator {
  #state: State = NOT_LEADER;

  get isLeader(): boolean {
    return this.#state.role === "leader";
  }

  /** The epoch being served, or undefined. */
  get epoch(): Epoch | undefined {
    return this.#state.role === "leader" ? this.#state.epoch : undefined;
  }

  /** The durable, inclusive upper bound, or undefined. */
  get committedHighWater(): PhysicalMs | undefined {
    return this.#state.role === "leader" ? this.#state.committedHighWater : undefined;
  }

  /** The millisecond of the next grant if the clock stood still, or undefined. May be the bound plus one. */
  get nextPhysicalMs(): number | undefined {
    return this.#state.role === "leader" ? this.#state.nextPhysicalMs : undefined;
  }

  /**
   * Starts a reign; whatever was known of an earlier one is forgotten. Refused windows change nothing.
   *
   * @throws InvariantViolation when a bound is not a {@link PhysicalMs}: with NaN as its ceiling, every
   * comparison would come out in favour of granting.
   */
  becomeLeader(window: LeadershipWindow): BecomeLeaderResult {
    const { fenceFloor, committedCeiling, epoch } = window;
    invariant(isPhysicalMs(fenceFloor), "a fence floor is within 46 bits");
    invariant(isPhysicalMs(committedCeiling), "a committed ceiling is within 46 bits");
    if (committedCeiling < fenceFloor) {
      return { ok: false, reason: "invalid_leadership_window", fenceFloor, committedCeiling };
    }
    this.#state = {
      role: "leader",
      epoch,
      committedHighWater: committedCeiling,
      nextPhysicalMs: fenceFloor,
      nextLogical: 0,
    };
    return { ok: true };
  }

  /** Ends the reign and forgets everything. Idempotent. */
  stepDown(): void {
    this.#state = NOT_LEADER;
  }

  /**
   * Takes `count` consecutive timestamps of one millisecond. State changes only on success.
   *
   * When the clock is behind, the cursor stays where it is; when a millisecond is used up, the next
   * one is borrowed ahead of the clock and the tail that is too short for `count` is lost.
   */
  tryGrant(nowMs: number, count: number): GrantResult {
    const projection = this.#project(nowMs, count);
    if ("ok" in projection) return projection;
    const state = this.#state;
    invariant(state.role === "leader", "only a leader has a projection");
    const grant = new WindowGrant(projection.physicalMs, projection.logical, count, state.epoch);
    const logicalEnd = projection.logical + count;
    const millisecondFull = logicalEnd > LOGICAL_MAX;
    state.nextPhysicalMs = millisecondFull ? projection.physicalMs + 1 : projection.physicalMs;
    state.nextLogical = millisecondFull ? 0 : logicalEnd;
    return { ok: true, grant };
  }

  /** Whether {@link Allocator.tryGrant} would succeed with the same arguments. Changes nothing. */
  wouldGrant(nowMs: number, count: number): boolean {
    return !("ok" in this.#project(nowMs, count));
  }

  /**
   * The next extension when the window is used up: `max(H + 1, now) + ahead`. Changes nothing.
   *
   * @throws InvariantViolation unless `aheadMs` is an integer of at least 0; so do the other two.
   */
  prepareWindowExtension(nowMs: number, aheadMs: number): ExtensionResult {
    checkSpan(aheadMs);
    return this.#prepare(nowMs, (state) => Math.max(state.committedHighWater + 1, nowMs) + aheadMs);
  }

  /**
   * The next extension while there is still room, or undefined while at least half of the window is
   * left. It restores one whole window ahead of the cursor or the clock, so that extending early
   * does not push the high-water further ahead of real time than extending late.
   */
  prepareBackgroundExtension(nowMs: number, aheadMs: number): ExtensionResult | undefined {
    checkSpan(aheadMs);
    const state = this.#state;
    if (state.role === "leader" && isClockReading(nowMs)) {
      const left = state.committedHighWater - Math.max(state.nextPhysicalMs, nowMs);
      if (left * 2 >= aheadMs) return undefined;
    }
    return this.#prepare(nowMs, ({ committedHighWater, nextPhysicalMs }) =>
      Math.max(committedHighWater + 1, Math.max(nextPhysicalMs, nowMs) + aheadMs),
    );
  }

  /**
   * The extension that makes a new lease's bound durable: `max(H + 1, now + ttl)`. It rises on every
   * call, so the value that is persisted identifies the lease (`tsoracle-behaviour.md` 13(a)).
   */
  prepareLeaseBound(nowMs: number, ttlMs: number): ExtensionResult {
    checkSpan(ttlMs);
    return this.#prepare(nowMs, (state) => Math.max(state.committedHighWater + 1, nowMs + ttlMs));
  }

  /**
   * Reports a bound that the driver has confirmed as durable under `expected`. The epoch is checked
   * before the order, so churn is not taken for reordering.
   *
   * @throws InvariantViolation when the driver answered something that is not a {@link PhysicalMs}.
   */
  commitWindowExtension(persisted: PhysicalMs, expected: Epoch): CommitResult {
    invariant(isPhysicalMs(persisted), "a persisted high-water is within 46 bits");
    const state = this.#state;
    if (state.role === "not_leader") return { outcome: "ignored", reason: "not_leader" };
    if (state.epoch !== expected) {
      return { outcome: "ignored", reason: "epoch_mismatch", expected, current: state.epoch };
    }
    if (persisted <= state.committedHighWater) {
      return { outcome: "ignored", reason: "not_advanced", persisted, committed: state.committedHighWater };
    }
    state.committedHighWater = persisted;
    return { outcome: "applied", highWater: persisted };
  }

  /**
   * A closed watermark: after the answer no leader, this one or a later one, issues a timestamp
   * whose physical part is at or below it. Zero says nothing; it is the answer when not leader.
   *
   * The cursor moves up to the clock first, which a grant would do anyway, so that the watermark of
   * an idle oracle keeps up with time (`tsoracle-behaviour.md` 13(b)).
   */
  closedWatermark(nowMs: number): PhysicalMs {
    const state = this.#state;
    if (state.role === "not_leader") return PHYSICAL_MS_ZERO;
    const reachable = Math.min(nowMs, state.committedHighWater);
    if (isClockReading(nowMs) && reachable > state.nextPhysicalMs) {
      state.nextPhysicalMs = reachable;
      state.nextLogical = 0;
    }
    return physicalMs(Math.max(0, Math.min(state.nextPhysicalMs - 1, state.committedHighWater)));
  }

  #prepare(nowMs: number, target: (state: State & { role: "leader" }) => number): ExtensionResult {
    const state = this.#state;
    if (state.role === "not_leader") return { ok: false, reason: "not_leader" };
    if (!isClockReading(nowMs)) return { ok: false, reason: "clock_out_of_range", nowMs };
    const wanted = target(state);
    if (wanted > PHYSICAL_MS_MAX) return { ok: false, reason: "physical_ms_out_of_range", physicalMs: wanted };
    return { ok: true, atLeast: physicalMs(wanted), epoch: state.epoch };
  }

  /** Where the next grant would start, in the exact order of checks of `tsoracle-behaviour.md` 1.5. */
  #project(nowMs: number, count: number): Cursor | GrantRefusal {
    if (!Number.isInteger(count) || count < 1 || count > MAX_TIMESTAMPS_PER_RPC) {
      return { ok: false, reason: "invalid_count", count };
    }
    const state = this.#state;
    if (state.role === "not_leader") return { ok: false, reason: "not_leader" };
    if (!isClockReading(nowMs)) return { ok: false, reason: "clock_out_of_range", nowMs };
    let physical = state.nextPhysicalMs;
    let logical = state.nextLogical;
    if (nowMs > physical) {
      physical = nowMs;
      logical = 0;
    }
    if (logical + count > MAX_TIMESTAMPS_PER_RPC) {
      physical += 1;
      logical = 0;
    }
    if (physical > PHYSICAL_MS_MAX) return { ok: false, reason: "physical_ms_out_of_range", physicalMs: physical };
    if (physical > state.committedHighWater) return { ok: false, reason: "window_exhausted" };
    return { physicalMs: physical, logical };
  }
}

/** The epoch to show for an allocator that may not be leader. */
export function epochOrZero(allocator: Allocator): Epoch {
  return allocator.epoch ?? EPOCH_ZERO;
}

function checkSpan(spanMs: number): void {
  invariant(Number.isSafeInteger(spanMs) && spanMs >= 0, "a span of time is an integer of at least 0 ms");
}
