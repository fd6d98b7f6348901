// SPDX-License-Identifier: Apache-2.0
import type { Tenure } from "./leader-state.ts";
import { type LeaseClock, type LeaseMark, laterMark } from "./lease-clock.ts";
import { type TenureTerms, usableTenureMs } from "./tenure-terms.ts";

/**
 * The tenure of one reign, as every driver with renewals needs it (`postgres-redis.md` 2.3): mark
 * before sending, renew on success, valid while the newest such mark is younger than D(1-ρ).
 *
 * Make one per reign, and {@link TenureKeeper.end} it when the reign is over. A lapse only suspends it:
 * a later renewal that the store accepts makes it valid again, since nobody was elected in between.
 */
export class TenureKeeper implements Tenure {
  readonly #clock: LeaseClock;
  readonly #usableMs: number;
  #renewed: LeaseMark | undefined;
  #ended = false;

  /** `terms` as checked by `checkTenureTerms`. The tenure begins lapsed; the first renewal starts it. */
  constructor(clock: LeaseClock, terms: TenureTerms) {
    this.#clock = clock;
    this.#usableMs = usableTenureMs(terms);
  }

  /** Takes the mark of a renewal. Call it before the renewal is sent, and hand the mark to {@link TenureKeeper.renewed}. */
  mark(): LeaseMark {
    return this.#clock.mark();
  }

  /**
   * The renewal sent after `sent` was taken has been accepted by the store, under this reign's epoch. Any
   * write that checks the epoch counts. Replies may come in any order. Nothing happens after the end.
   */
  renewed(sent: LeaseMark): void {
    if (this.#ended) return;
    this.#renewed = this.#renewed === undefined ? sent : laterMark(this.#renewed, sent);
  }

  /** Whether the reign may still answer, on clocks read now. */
  valid(): boolean {
    return !this.#ended && this.ageMs() < this.#usableMs;
  }

  /** Milliseconds since the newest accepted renewal was about to be sent; infinite before the first. */
  ageMs(): number {
    return this.#renewed === undefined ? Number.POSITIVE_INFINITY : this.#clock.ageMs(this.#renewed);
  }

  /** Ends the reign for good; late replies do not revive it. Idempotent. */
  end(): void {
    this.#ended = true;
  }
}
