// SPDX-License-Identifier: Apache-2.0

import type { TenureTerms, WaitOut } from "@tsoracle/consensus";
import { type CallOptions, type LeaseClock, type LeaseMark, type Tenure, TenureKeeper } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { type Ballot, toEpoch } from "./ballot.ts";
import type { Freshness } from "./capabilities.ts";
import type { OwnReign } from "./succession.ts";

export interface ReignParts {
  readonly ballot: Ballot;
  /** The largest high-water that the election saw. */
  readonly highWater: number;
  readonly waitOut: WaitOut;
  readonly clock: LeaseClock;
  readonly terms: TenureTerms;
  readonly freshness: Freshness;
  /** One round that asks a majority whether this epoch is still the newest; of confirm mode. */
  readonly confirm: (ballot: Ballot) => Promise<boolean>;
}

/** One reign of this process, from its election to its end. It never comes back. */
export class Reign {
  readonly ballot: Ballot;
  readonly epoch: Epoch;
  readonly waitOut: WaitOut;
  readonly tenure: Tenure;
  readonly #keeper: TenureKeeper;
  readonly #clock: LeaseClock;
  #highWater: number;
  #isLeading = false;
  #isOver = false;

  constructor(parts: ReignParts) {
    this.ballot = parts.ballot;
    this.epoch = toEpoch(parts.ballot);
    this.#highWater = parts.highWater;
    this.waitOut = parts.waitOut;
    this.#clock = parts.clock;
    this.#keeper = new TenureKeeper(parts.clock, parts.terms);
    this.tenure = Object.freeze(parts.freshness === "lease" ? this.#byLease() : this.#byConfirmation(parts.confirm));
  }

  /** Whether its own wait is over and the world has been told. */
  get isLeading(): boolean {
    return this.#isLeading && !this.#isOver;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What the next reign of this process may rely on, once this one is over. */
  get past(): OwnReign {
    return { epoch: this.ballot, waitOut: this.waitOut };
  }

  /**
   * What the election saw, or what a majority was found to hold since. Every write raises its node at least to this, so
   * that nodes which missed a write cannot make a later answer smaller than an earlier one.
   */
  get highWater(): number {
    return this.#highWater;
  }

  /**
   * A majority has been found to hold this much, in a round that wrote {@link highWater} or more.
   *
   * @returns the largest that was ever found
   */
  held(highWater: number): number {
    this.#highWater = Math.max(this.#highWater, highWater);
    return this.#highWater;
  }

  mark(): LeaseMark {
    return this.#keeper.mark();
  }

  /** A write sent after `sent` was taken has been acknowledged by a majority. */
  renewed(sent: LeaseMark): void {
    this.#keeper.renewed(sent);
  }

  /** Milliseconds since the newest acknowledged write was about to be sent. */
  ageMs(): number {
    return this.#keeper.ageMs();
  }

  /** The wait is over. */
  lead(): void {
    this.#isLeading = this.waitOut.over(this.#clock.monotonicNs());
  }

  /** Stops granting, at once and for good. Says whether it had been leading until now. */
  end(): boolean {
    const wasLeading = this.isLeading;
    this.#isOver = true;
    this.#keeper.end();
    return wasLeading;
  }

  #byLease(): Tenure {
    return { valid: () => this.isLeading && this.#keeper.valid() };
  }

  #byConfirmation(confirm: (ballot: Ballot) => Promise<boolean>): Tenure {
    const shared = new NextRound(async () => (await confirm(this.ballot)) && this.isLeading);
    return {
      valid: () => this.isLeading,
      confirm: async (options?: CallOptions) => {
        options?.signal?.throwIfAborted();
        return this.isLeading ? await shared.join() : false;
      },
    };
  }
}

/** Rounds that several callers share: each joins the next one to start, never one that is under way. */
class NextRound {
  readonly #run: () => Promise<boolean>;
  #running: Promise<unknown> | undefined;
  #next: Promise<boolean> | undefined;

  constructor(run: () => Promise<boolean>) {
    this.#run = run;
  }

  join(): Promise<boolean> {
    if (this.#next !== undefined) return this.#next;
    const begin = async (): Promise<boolean> => {
      await this.#running?.catch(() => {});
      this.#next = undefined;
      const round = this.#run();
      this.#running = round;
      return await round;
    };
    this.#next = begin();
    return this.#next;
  }
}
