// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import type { Target } from "./target.ts";

export interface CachedLeader {
  readonly target: Target;
  /** Unknown when the leader was learned from a hint without an epoch. */
  readonly epoch: Epoch | undefined;
  readonly seenAt: number;
}

/**
 * Who leads, as far as this client has heard. An entry younger than its time to live never gives way
 * to news of a lower epoch, so that a lagging follower cannot send the client back
 * (`tsoracle-behaviour.md` 5.4). Check and write are one synchronous step.
 */
export class LeaderCache {
  readonly #ttlMs: number;
  #entry: CachedLeader | undefined;

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** The leader, if it was heard of within the time to live. */
  fresh(now: number): CachedLeader | undefined {
    const entry = this.#entry;
    return entry !== undefined && now - entry.seenAt < this.#ttlMs ? entry : undefined;
  }

  /**
   * Takes a hint, unless a fresh entry's known epoch outranks it; a hint without an epoch outranks
   * nothing. False when the hint is stale.
   */
  offerHint(target: Target, epoch: Epoch | undefined, now: number): boolean {
    const known = this.fresh(now)?.epoch;
    if (known !== undefined && (epoch === undefined || epoch < known)) return false;
    this.#entry = { target, epoch, seenAt: now };
    return true;
  }

  /** A server has answered as leader: refreshes its entry, or replaces another's unless that one is fresh and of a higher epoch. */
  recordSuccess(target: Target, epoch: Epoch, now: number): void {
    const entry = this.#entry;
    if (entry !== undefined && entry.target.key === target.key) {
      const known = entry.epoch;
      this.#entry = { target, epoch: known !== undefined && known > epoch ? known : epoch, seenAt: now };
      return;
    }
    const known = this.fresh(now)?.epoch;
    if (known !== undefined && known > epoch) return;
    this.#entry = { target, epoch, seenAt: now };
  }
}
