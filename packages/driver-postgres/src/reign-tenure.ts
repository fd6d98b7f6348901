// SPDX-License-Identifier: Apache-2.0
import { type Tenure, TenureKeeper, untilAborted } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { ConfirmRounds } from "./confirm-rounds.ts";
import type { DriverConfig } from "./options.ts";

/** The right of one reign to answer: its renewals, and what the server is told of them. */
export class ReignTenure {
  readonly epoch: Epoch;
  readonly keeper: TenureKeeper;
  /** What goes out with the leader item. */
  readonly tenure: Tenure;
  #ended = false;

  constructor(epoch: Epoch, config: DriverConfig, rounds: ConfirmRounds) {
    this.epoch = epoch;
    this.keeper = new TenureKeeper(config.clock, config.terms);
    const confirm: NonNullable<Tenure["confirm"]> = async (options) => {
      options?.signal?.throwIfAborted();
      if (this.#ended) return false;
      const confirmed = await untilAborted(rounds.confirm(epoch), options?.signal);
      return confirmed && !this.#ended;
    };
    this.tenure =
      config.freshness === "lease"
        ? Object.freeze({ valid: () => this.keeper.valid() })
        : Object.freeze({ valid: () => !this.#ended, confirm });
  }

  end(): void {
    this.#ended = true;
    this.keeper.end();
  }
}
