// SPDX-License-Identifier: Apache-2.0
import { checkEpoch, type EpochBits } from "./epoch-domain.ts";

export interface EpochFencerOptions {
  /** Width of the epochs. @defaultValue 64 */
  readonly bits?: EpochBits;
}

/**
 * A gate that only opens upwards: it lets an epoch pass unless a higher one has passed before. It
 * lives in memory and knows no owners; what must survive a restart is a {@link DurableEpochFencer}.
 * A check is one synchronous step, so the epochs that pass never decrease in the order in which they
 * pass. Source: `fencing-quorum-sessions.md` 3.2.
 */
export class EpochFencer {
  readonly #bits: EpochBits;
  #highest = 0n;

  constructor(options: EpochFencerOptions = {}) {
    this.#bits = options.bits ?? 64;
  }

  /** The highest epoch that has passed; 0 on a fresh gate. */
  get highest(): bigint {
    return this.#highest;
  }

  /**
   * Whether the epoch passes. Equal to the highest passes, 0 on a fresh gate included; lower does not.
   *
   * @throws FenceValueError `epoch_out_of_range` (a RangeError); the gate does not move.
   */
  checkAndAdvance(epoch: bigint): boolean {
    checkEpoch(epoch, this.#bits);
    if (epoch < this.#highest) return false;
    this.#highest = epoch;
    return true;
  }
}
