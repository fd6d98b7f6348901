// SPDX-License-Identifier: Apache-2.0
import type { EpochBits } from "./epoch-domain.ts";
import type { EpochFencerOptions } from "./epoch-fencer.ts";
import { type FenceRecord, type FenceVerdict, fenceRecord, judgeClaim } from "./fence-rule.ts";

/**
 * A gate bound to an owner: two leaders with the same epoch can be told apart. It lives in memory; a
 * check is one synchronous step. Source: `fencing-quorum-sessions.md` 3.3.
 */
export class OwnedEpochFencer {
  readonly #bits: EpochBits;
  #held: FenceRecord | undefined;

  constructor(options: EpochFencerOptions = {}) {
    this.#bits = options.bits ?? 64;
  }

  /** Who holds the fence, or undefined while nobody has. */
  get held(): FenceRecord | undefined {
    return this.#held;
  }

  /**
   * Judges a claim and, if it is higher, lets it take over.
   *
   * @throws FenceValueError `epoch_out_of_range`, `id_invalid`; the gate does not move.
   */
  check(epoch: bigint, owner: string): FenceVerdict {
    const claim = fenceRecord(epoch, owner, this.#bits);
    const verdict = judgeClaim(this.#held, claim);
    if (verdict.ok) this.#held = claim;
    return verdict;
  }
}
