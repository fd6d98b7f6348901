// SPDX-License-Identifier: Apache-2.0
import { CoreError } from "./core-error.ts";
import type { Epoch } from "./epoch.ts";

/**
 * Epochs never decrease within one leadership stream. A driver that reports a lower one has lost
 * its place in history, and nothing it says can be trusted any more.
 */
export class EpochGuard {
  #latest: Epoch | undefined;

  /** The highest epoch seen, or undefined. */
  get latest(): Epoch | undefined {
    return this.#latest;
  }

  /**
   * Records the epoch of one leadership item. An absent epoch advances nothing.
   *
   * @throws CoreError `leader_epoch_regressed` for an epoch below one seen before.
   */
  observe(epoch: Epoch | undefined): void {
    if (epoch === undefined) return;
    if (this.#latest !== undefined && epoch < this.#latest) {
      throw new CoreError(
        "leader_epoch_regressed",
        `the driver reported a leader_epoch that regressed from ${this.#latest} to ${epoch}`,
      );
    }
    this.#latest = epoch;
  }
}
