// SPDX-License-Identifier: Apache-2.0
import type { LeaseMark } from "@tsoracle/consensus";

/**
 * When each round of heartbeats was about to be sent (Q2). Rounds are numbered by the core and only
 * grow; marks older than the newest acknowledged one are forgotten.
 */
export class LeaseRounds {
  #marks: { readonly round: number; readonly mark: LeaseMark }[] = [];
  #newest = 0;
  #acknowledged = 0;

  /** Call before messages leave: `round` is the newest that they may contain. */
  sending(round: number, mark: () => LeaseMark): void {
    if (round <= this.#newest) return;
    this.#newest = round;
    this.#marks.push({ round, mark: mark() });
  }

  /**
   * A quorum has answered `round` and all before. Returns the mark of the newest of them, once; of two
   * rounds that were marked together the earlier mark counts for both.
   */
  acknowledged(round: number): LeaseMark | undefined {
    if (round <= this.#acknowledged) return undefined;
    this.#acknowledged = round;
    let found: LeaseMark | undefined;
    while (this.#marks[0] !== undefined && this.#marks[0].round <= round) found = this.#marks.shift()?.mark;
    return found;
  }

  /** The reign is over: what is acknowledged from now on was sent in another one. */
  reset(): void {
    this.#marks = [];
    this.#acknowledged = this.#newest;
  }
}
