// SPDX-License-Identifier: Apache-2.0
import type { LeadershipWindow } from "./allocator.ts";
import { CoreError } from "./core-error.ts";
import type { Epoch } from "./epoch.ts";
import { EpochGuard } from "./epoch-guard.ts";
import type { LeaseRecord } from "./lease.ts";
import { PHYSICAL_MS_MAX } from "./limits.ts";
import type { PeerEndpoint } from "./peer-endpoint.ts";
import { type PhysicalMs, physicalMs } from "./physical-ms.ts";

/** First pause after a transient failure, in milliseconds; it doubles from there. */
export const FENCE_BACKOFF_BASE_MS = 25;
/** Longest pause, in milliseconds. There is no limit on the number of retries. */
export const FENCE_BACKOFF_CAP_MS = 250;
/** Retries before the first warning, and between later ones. */
export const FENCE_WARN_AFTER = 8;
export const FENCE_WARN_EVERY = 20;

/** What is known of the leader while this node is not serving; shown to clients as a hint. */
export interface LeaderHint {
  readonly leaderEndpoint?: PeerEndpoint | undefined;
  readonly leaderEpoch?: Epoch | undefined;
}

/** One item of a driver's leadership stream, as far as the protocol needs it. */
export type LeadershipView =
  | { readonly role: "leader"; readonly epoch: Epoch }
  | ({ readonly role: "follower" } & LeaderHint)
  | { readonly role: "unknown" };

/** How a driver answered a call it did not fulfil. */
export type DriverRefusal =
  | { readonly kind: "stepped_down"; readonly fencedBy?: Epoch | undefined }
  | { readonly kind: "transient"; readonly error: unknown }
  | { readonly kind: "permanent"; readonly error: unknown };

/** Why the protocol ended. Every end but `shutdown` is a fault that an operator must see. */
export type StopReason =
  | { readonly kind: "shutdown" }
  | { readonly kind: "stream_ended" }
  | { readonly kind: "driver"; readonly error: unknown }
  | { readonly kind: "out_of_range"; readonly error: CoreError }
  | { readonly kind: "contract"; readonly message: string };

/**
 * What happened. `token` is that of the effect being answered; an answer with another token than
 * the one awaited is dropped.
 */
export type FailoverEvent =
  | { readonly type: "leadership"; readonly view: LeadershipView }
  | { readonly type: "drained"; readonly token: number }
  | {
      readonly type: "loaded";
      readonly token: number;
      readonly highWater: PhysicalMs;
      readonly leases: readonly LeaseRecord[];
      /** The wall clock once the load was over. */
      readonly nowMs: number;
    }
  | { readonly type: "persisted"; readonly token: number; readonly highWater: PhysicalMs }
  | { readonly type: "refused"; readonly token: number; readonly refusal: DriverRefusal }
  | { readonly type: "backoff_elapsed"; readonly token: number }
  /** A call outside this protocol was told that the reign with this token is over. */
  | { readonly type: "deposed"; readonly reign: number; readonly fencedBy?: Epoch | undefined }
  | { readonly type: "stream_ended" }
  | { readonly type: "stream_failed"; readonly error: unknown }
  | { readonly type: "shutdown" };

/** What to do, in order. A shell performs them; it has at most one unanswered effect at a time. */
export type FailoverEffect =
  /** Forget the allocator, the sequence gate and the leases, and only then publish "not serving". */
  | { readonly type: "clear"; readonly hint: LeaderHint }
  /** Close the extension gate and wait until no driver call of an earlier reign is under way. */
  | { readonly type: "drain"; readonly token: number }
  /** Load the high-water and the leases. */
  | { readonly type: "load"; readonly token: number }
  | { readonly type: "persist"; readonly token: number; readonly atLeast: PhysicalMs; readonly epoch: Epoch }
  /** Seed the allocator and the leases, publish "serving" and open the gate, in one synchronous turn. */
  | {
      readonly type: "serve";
      readonly reign: number;
      readonly window: LeadershipWindow;
      readonly leases: readonly LeaseRecord[];
    }
  /** Open the gate after an attempt that did not end in serving. */
  | { readonly type: "release_gate" }
  | { readonly type: "back_off"; readonly token: number; readonly delayMs: number }
  /** Counting and logging; always after the effects that safety depends on. */
  | { readonly type: "report_transition"; readonly view: LeadershipView }
  | { readonly type: "report_retry"; readonly retries: number; readonly warn: boolean; readonly error: unknown }
  | { readonly type: "stop"; readonly reason: StopReason };

/** Where the protocol is. Each state carries only what it needs. */
export type FailoverState =
  | { readonly phase: "waiting" }
  | ({ readonly phase: "draining" } & Attempt)
  | ({ readonly phase: "loading" } & Attempt)
  | ({
      readonly phase: "persisting";
      readonly fenceFloor: PhysicalMs;
      readonly requested: PhysicalMs;
      readonly leases: readonly LeaseRecord[];
    } & Attempt)
  | ({ readonly phase: "backing_off" } & Attempt)
  | { readonly phase: "serving"; readonly epoch: Epoch; readonly reign: number }
  | { readonly phase: "stopped" };

interface Attempt {
  readonly epoch: Epoch;
  readonly token: number;
  /** Transient failures of this reign so far. */
  readonly retries: number;
  /**
   * The newest leadership item that came while a driver call was under way. The call is left to
   * settle, because it may still land; its result is then dropped and the item is handled.
   */
  readonly superseding?: LeadershipView | undefined;
}

export interface FailoverOptions {
  /** How far the first window of a reign reaches, in milliseconds. */
  readonly failoverAdvanceMs: number;
}

/** Delay before retry number `retries` (from 1): 25, 50, 100, 200, 250, 250, ... ms. */
export function fenceBackoffMs(retries: number): number {
  return Math.min(FENCE_BACKOFF_BASE_MS * 2 ** Math.min(retries - 1, 10), FENCE_BACKOFF_CAP_MS);
}

/**
 * The leadership-gain protocol as a pure step machine (`tsoracle-behaviour.md` 3.5):
 * clear → drain → load → floor → persist → seed → publish. It performs nothing itself: feed it one
 * event, perform the effects it returns in order, feed it their answers.
 *
 * Guarantees, for any order of events:
 * - "serve" follows a load and a persist that were both made after the latest leadership item.
 * - Between two "serve" effects there is always a "clear".
 * - The floor is above the loaded high-water, and the persisted bound is at least the floor.
 * - After "stop" there are no further effects, and "clear" has come before it.
 */
export class FailoverMachine {
  readonly #options: FailoverOptions;
  readonly #guard = new EpochGuard();
  #state: FailoverState = { phase: "waiting" };
  #lastToken = 0;

  constructor(options: FailoverOptions) {
    this.#options = options;
  }

  get state(): FailoverState {
    return this.#state;
  }

  /** Consumes one event and returns what to do about it. Synchronous; never throws. */
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const state = this.#state;
    if (state.phase === "stopped") return [];
    switch (event.type) {
      case "leadership":
        return this.#onLeadership(event.view);
      case "shutdown":
        return this.#stop({ kind: "shutdown" });
      case "stream_ended":
        return this.#stop({ kind: "stream_ended" });
      case "stream_failed":
        return this.#stop({ kind: "driver", error: event.error });
      case "deposed":
        return this.#onDeposed(event.reign, event.fencedBy);
      case "drained":
        return state.phase === "draining" && state.token === event.token ? this.#onDrained(state) : [];
      case "loaded":
        return state.phase === "loading" && state.token === event.token ? this.#onLoaded(state, event) : [];
      case "persisted":
        return state.phase === "persisting" && state.token === event.token
          ? this.#onPersisted(state, event.highWater)
          : [];
      case "refused":
        return (state.phase === "loading" || state.phase === "persisting") && state.token === event.token
          ? this.#onRefused(state, event.refusal)
          : [];
      case "backoff_elapsed":
        return state.phase === "backing_off" && state.token === event.token
          ? this.#startAttempt(state.epoch, state.retries)
          : [];
      default:
        return event satisfies never;
    }
  }

  #onLeadership(view: LeadershipView): readonly FailoverEffect[] {
    try {
      this.#guard.observe(epochOf(view));
    } catch (error) {
      return this.#stop({ kind: "contract", message: (error as CoreError).message });
    }
    const state = this.#state;
    const notice: FailoverEffect[] = [
      { type: "clear", hint: hintOf(view) },
      { type: "report_transition", view },
    ];
    if (state.phase === "draining" || state.phase === "loading" || state.phase === "persisting") {
      this.#state = { ...state, superseding: view };
      return notice;
    }
    return [...notice, ...this.#follow(view)];
  }

  /** Takes up a leadership item while nothing is under way. */
  #follow(view: LeadershipView): readonly FailoverEffect[] {
    if (view.role === "leader") return this.#startAttempt(view.epoch, 0);
    this.#state = { phase: "waiting" };
    return [];
  }

  #startAttempt(epoch: Epoch, retries: number): readonly FailoverEffect[] {
    const token = this.#nextToken();
    this.#state = { phase: "draining", epoch, token, retries };
    return [{ type: "drain", token }];
  }

  #onDrained(attempt: Attempt): readonly FailoverEffect[] {
    if (attempt.superseding !== undefined) return this.#abandon(attempt.superseding);
    const token = this.#nextToken();
    this.#state = { phase: "loading", epoch: attempt.epoch, token, retries: attempt.retries };
    return [{ type: "load", token }];
  }

  #onLoaded(attempt: Attempt, event: FailoverEvent & { type: "loaded" }): readonly FailoverEffect[] {
    if (attempt.superseding !== undefined) return this.#abandon(attempt.superseding);
    const floor = Math.max(event.highWater + 1, event.nowMs);
    const requested = floor + this.#options.failoverAdvanceMs;
    if (!(requested <= PHYSICAL_MS_MAX)) {
      const error = new CoreError(
        "physical_ms_out_of_range",
        `cannot serve: the first window would reach ${requested} ms, beyond ${PHYSICAL_MS_MAX} (46 bits); ` +
          `the stored high-water is ${event.highWater} and the clock says ${event.nowMs}`,
      );
      return [...this.#stop({ kind: "out_of_range", error })];
    }
    const fenceFloor = physicalMs(floor);
    const atLeast = physicalMs(requested);
    const token = this.#nextToken();
    const { epoch, retries } = attempt;
    this.#state = { phase: "persisting", epoch, token, retries, fenceFloor, requested: atLeast, leases: event.leases };
    return [{ type: "persist", token, atLeast, epoch }];
  }

  #onPersisted(state: FailoverState & { phase: "persisting" }, highWater: PhysicalMs): readonly FailoverEffect[] {
    if (state.superseding !== undefined) return this.#abandon(state.superseding);
    if (highWater < state.requested) {
      const message = `persistHighWater(${state.requested}) answered ${highWater}; it must answer at least what was asked for`;
      return this.#stop({ kind: "contract", message });
    }
    const reign = this.#nextToken();
    const { epoch, fenceFloor, leases } = state;
    this.#state = { phase: "serving", epoch, reign };
    return [{ type: "serve", reign, window: { fenceFloor, committedCeiling: highWater, epoch }, leases }];
  }

  #onRefused(attempt: Attempt, refusal: DriverRefusal): readonly FailoverEffect[] {
    if (attempt.superseding !== undefined) return this.#abandon(attempt.superseding);
    switch (refusal.kind) {
      case "stepped_down":
        this.#state = { phase: "waiting" };
        return [{ type: "release_gate" }, { type: "clear", hint: { leaderEpoch: refusal.fencedBy } }];
      case "permanent":
        return this.#stop({ kind: "driver", error: refusal.error });
      case "transient": {
        const retries = attempt.retries + 1;
        const token = this.#nextToken();
        this.#state = { phase: "backing_off", epoch: attempt.epoch, token, retries };
        const warn = retries >= FENCE_WARN_AFTER && (retries - FENCE_WARN_AFTER) % FENCE_WARN_EVERY === 0;
        return [
          { type: "release_gate" },
          { type: "back_off", token, delayMs: fenceBackoffMs(retries) },
          { type: "report_retry", retries, warn, error: refusal.error },
        ];
      }
      default:
        return refusal satisfies never;
    }
  }

  /** Ends an attempt whose leadership item is no longer the newest; its call has settled. */
  #abandon(view: LeadershipView): readonly FailoverEffect[] {
    return [{ type: "release_gate" }, ...this.#follow(view)];
  }

  #onDeposed(reign: number, fencedBy: Epoch | undefined): readonly FailoverEffect[] {
    const state = this.#state;
    if (state.phase !== "serving" || state.reign !== reign) return [];
    this.#state = { phase: "waiting" };
    return [{ type: "clear", hint: { leaderEpoch: fencedBy } }];
  }

  #stop(reason: StopReason): readonly FailoverEffect[] {
    this.#state = { phase: "stopped" };
    return [
      { type: "clear", hint: {} },
      { type: "stop", reason },
    ];
  }

  #nextToken(): number {
    this.#lastToken += 1;
    return this.#lastToken;
  }
}

function epochOf(view: LeadershipView): Epoch | undefined {
  switch (view.role) {
    case "leader":
      return view.epoch;
    case "follower":
      return view.leaderEpoch;
    case "unknown":
      return undefined;
    default:
      return view satisfies never;
  }
}

function hintOf(view: LeadershipView): LeaderHint {
  return view.role === "follower" ? { leaderEndpoint: view.leaderEndpoint, leaderEpoch: view.leaderEpoch } : {};
}
