// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PeerEndpoint } from "@tsoracle/core";

/** Options of every driver call. */
export interface CallOptions {
  /**
   * Ends the caller's wait; the call then rejects with the signal's reason. It never stops a write
   * half-way: a write that has begun may still land.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A leader's right to answer, apart from its right to write. The epoch fences writes; a tenure says
 * whether a successor may already be serving.
 */
export interface Tenure {
  /**
   * Whether this reign may still answer, on clocks read now. Synchronous and cheap. It means
   * something only for a request that arrived before the call, and nothing after an `await`.
   */
  valid(): boolean;
  /**
   * Resolves to whether this reign was still the newest at an instant after the call. Present where
   * clocks are not to be trusted; the server then awaits one round started after the request.
   */
  confirm?(options?: CallOptions): Promise<boolean>;
}

/** One item of a leadership stream. */
export type LeaderState =
  | {
      readonly role: "leader";
      /** Installed in the store before this item was emitted. */
      readonly epoch: Epoch;
      /** Absent only where `realTimeOrder` is `exclusive` or `none`. */
      readonly tenure?: Tenure | undefined;
    }
  | {
      readonly role: "follower";
      /** Where clients reach the leader, if known: the client address, never a peer address. */
      readonly leaderEndpoint?: PeerEndpoint | undefined;
      readonly leaderEpoch?: Epoch | undefined;
    }
  | { readonly role: "unknown" };

/** The epoch that an item names, if any. */
export function epochOf(state: LeaderState): Epoch | undefined {
  switch (state.role) {
    case "leader":
      return state.epoch;
    case "follower":
      return state.leaderEpoch;
    case "unknown":
      return undefined;
    default:
      return state satisfies never;
  }
}

/** Whether two items say the same, so that a driver emits changes only. */
export function sameLeaderState(a: LeaderState, b: LeaderState): boolean {
  if (a.role !== b.role || epochOf(a) !== epochOf(b)) return false;
  if (a.role === "leader" && b.role === "leader") return a.tenure === b.tenure;
  if (a.role === "follower" && b.role === "follower") return a.leaderEndpoint === b.leaderEndpoint;
  return true;
}
