// SPDX-License-Identifier: Apache-2.0
import type { LeadershipWindow } from "./allocator.ts";
import type { CoreError } from "./core-error.ts";
import type { Epoch } from "./epoch.ts";
import type { LeaseRecord } from "./lease-record.ts";
import type { PeerEndpoint } from "./peer-endpoint.ts";
import type { PhysicalMs } from "./physical-ms.ts";

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
  /** The driver did what its contract rules out; nothing it says can be relied on. */
  | { readonly kind: "contract"; readonly message: string };

/**
 * What happened. `token` is that of the effect being answered; an answer with another token than
 * the one awaited is dropped, so a late one can do no harm.
 */
export type FailoverEvent =
  | { readonly type: "leadership"; readonly view: LeadershipView }
  /** The only answer to "drain": a drain cannot fail, it can only last. */
  | { readonly type: "drained"; readonly token: number }
  | {
      readonly type: "loaded";
      readonly token: number;
      readonly highWater: PhysicalMs;
      readonly leases: readonly LeaseRecord[];
      /** The wall clock, read after the load was over. */
      readonly nowMs: number;
    }
  | { readonly type: "persisted"; readonly token: number; readonly highWater: PhysicalMs }
  /** Answers "load" or "persist". An error of the lease load refuses the load. */
  | { readonly type: "refused"; readonly token: number; readonly refusal: DriverRefusal }
  | { readonly type: "backoff_elapsed"; readonly token: number }
  /**
   * A call outside this protocol (an extension, a lease or a sequence write) was told that its reign
   * is over. `reign` is that of the "serve" effect under which the call began, not the epoch: two
   * reigns may share an epoch, and only the one still being served may be ended by it.
   */
  | { readonly type: "deposed"; readonly reign: number; readonly fencedBy?: Epoch | undefined }
  | { readonly type: "stream_ended" }
  | { readonly type: "stream_failed"; readonly error: unknown }
  | { readonly type: "shutdown" };

/**
 * What to do, in order. A shell performs the effects of one step in one synchronous turn (drain, load,
 * persist and back_off begin there and are answered later), and awaits at most one driver call.
 *
 * Rules for the shell:
 * - A driver call under way is never aborted because of a later effect: it may land anyway, and the
 *   gate stays shut until it has settled. The machine asks for nothing new until it is answered.
 * - After "stop" the answer to a call under way is not awaited for safety: its result is dropped here,
 *   nobody serves from it, and a high-water that still lands only raises what the next reign starts
 *   above. The shell must still handle its rejection, and dispose of the driver (which waits for
 *   calls under way) rather than drop it; after its grace period it may abort the call's signal.
 * - A "back_off" is over when another effect with a token comes; its timer may be cancelled.
 */
export type FailoverEffect =
  /**
   * Forget the allocator, the sequence gate and the leases, and only then publish "not serving". Never
   * waits for the gate, and is idempotent.
   */
  | { readonly type: "clear"; readonly hint: LeaderHint }
  /** Close the extension gate and wait until no driver call of an earlier reign is under way. */
  | { readonly type: "drain"; readonly token: number }
  /** Load the high-water, then the leases; a driver without leases has none. */
  | { readonly type: "load"; readonly token: number }
  | { readonly type: "persist"; readonly token: number; readonly atLeast: PhysicalMs; readonly epoch: Epoch }
  /** Seed the allocator and the leases, publish "serving" and open the gate, in one synchronous turn. */
  | {
      readonly type: "serve";
      readonly reign: number;
      readonly window: LeadershipWindow;
      readonly leases: readonly LeaseRecord[];
    }
  /**
   * Open the gate after an attempt that did not end in serving, or give up a drain that is still
   * waiting. Each "drain" is followed by exactly one "serve" or "release_gate", and a "clear" always
   * stands before it, so whoever waited at the gate finds that this node does not serve.
   */
  | { readonly type: "release_gate" }
  | { readonly type: "back_off"; readonly token: number; readonly delayMs: number }
  /** Counting and logging; always after the "clear" of the same step. */
  | { readonly type: "report_transition"; readonly view: LeadershipView }
  | { readonly type: "report_retry"; readonly retries: number; readonly warn: boolean; readonly error: unknown }
  /** The last effect. "clear" has come before it, and the gate is open. */
  | { readonly type: "stop"; readonly reason: StopReason };

/** One try to become leader in `epoch`. */
export interface FailoverAttempt {
  readonly epoch: Epoch;
  readonly token: number;
  /** Transient failures since the leadership item that began it. */
  readonly retries: number;
  /**
   * The newest leadership item that came while an effect was unanswered. The call is left to settle,
   * because it may still land; what it brought is then dropped and the item is handled.
   */
  readonly superseding?: LeadershipView | undefined;
}

/** Where the protocol is. Each state carries only what it needs. */
export type FailoverState =
  | { readonly phase: "waiting" }
  | ({ readonly phase: "draining" } & FailoverAttempt)
  | ({ readonly phase: "loading" } & FailoverAttempt)
  | ({
      readonly phase: "persisting";
      readonly fenceFloor: PhysicalMs;
      readonly requested: PhysicalMs;
      readonly leases: readonly LeaseRecord[];
    } & FailoverAttempt)
  | ({ readonly phase: "backing_off" } & FailoverAttempt)
  | { readonly phase: "serving"; readonly epoch: Epoch; readonly reign: number }
  | { readonly phase: "stopped" };

export interface FailoverOptions {
  /** How far the first window of a reign reaches, in milliseconds: an integer, at least 0. */
  readonly failoverAdvanceMs: number;
}

/** The epoch that a leadership item names, if any. */
export function epochOfView(view: LeadershipView): Epoch | undefined {
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

/** What a leadership item says about another leader. */
export function hintOfView(view: LeadershipView): LeaderHint {
  return view.role === "follower" ? { leaderEndpoint: view.leaderEndpoint, leaderEpoch: view.leaderEpoch } : {};
}
