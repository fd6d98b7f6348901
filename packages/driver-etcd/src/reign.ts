// SPDX-License-Identifier: Apache-2.0

import type { WaitOut } from "@tsoracle/consensus";
import {
  type LeaseClock,
  type LeaseMark,
  type Tenure,
  TenureKeeper,
  type TenureTerms,
  untilAborted,
} from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { Candidacy } from "./candidacy.ts";
import type { Freshness } from "./capabilities.ts";
import { NextRound } from "./next-round.ts";
import { asEpoch } from "./records.ts";
import type { OwnReign } from "./succession.ts";

export interface ReignParts {
  readonly candidacy: Candidacy;
  readonly wait: WaitOut;
  readonly clock: LeaseClock;
  readonly terms: TenureTerms;
  readonly freshness: Freshness;
  /** T3, for confirm mode: whether this reign is still the newest. */
  readonly confirm: () => Promise<boolean>;
}

/** The right of one reign to answer. It begins when the store has its epoch, and grants from {@link Reign.lead} on. */
export class Reign {
  readonly candidacy: Candidacy;
  readonly epoch: Epoch;
  readonly wait: WaitOut;
  /** What goes out with the leader item. */
  readonly tenure: Tenure;
  readonly #keeper: TenureKeeper;
  #isLeading = false;
  #isOver = false;

  constructor({ candidacy, wait, clock, terms, freshness, confirm }: ReignParts) {
    this.candidacy = candidacy;
    this.epoch = asEpoch(candidacy.claim.epoch);
    this.wait = wait;
    this.#keeper = new TenureKeeper(clock, terms);
    this.tenure = Object.freeze(freshness === "lease" ? this.#byLease() : this.#byConfirmation(confirm));
  }

  /** Its wait is over and the world has been told. */
  get isLeading(): boolean {
    return this.#isLeading && !this.#isOver;
  }

  /** It has led, so that its own wait was over: only then may it be called clean. */
  get hasLed(): boolean {
    return this.#isLeading;
  }

  /** What the next reign of this process must know, once this one is over. */
  get past(): OwnReign {
    return { epoch: this.candidacy.claim.epoch, wait: this.wait };
  }

  mark(): LeaseMark {
    return this.#keeper.mark();
  }

  renewed(sent: LeaseMark): void {
    this.#keeper.renewed(sent);
  }

  /** Whether the newest renewal is young enough; without regard to whether it leads. */
  get isFresh(): boolean {
    return this.#keeper.valid();
  }

  lead(): void {
    this.#isLeading = true;
  }

  /** Stops granting, at once and for good. */
  end(): void {
    this.#isOver = true;
    this.#keeper.end();
  }

  #byLease(): Tenure {
    return { valid: () => this.isLeading && this.#keeper.valid() };
  }

  #byConfirmation(confirm: () => Promise<boolean>): Tenure {
    const rounds = new NextRound(async () => this.isLeading && (await confirm()) && this.isLeading);
    return {
      valid: () => this.isLeading,
      confirm: async (options) => {
        options?.signal?.throwIfAborted();
        return await untilAborted(rounds.join(), options?.signal);
      },
    };
  }
}
