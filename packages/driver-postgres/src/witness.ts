// SPDX-License-Identifier: Apache-2.0
import { EPOCH_ZERO, type Epoch, PHYSICAL_MS_ZERO, type PhysicalMs } from "@tsoracle/core";

interface Seen {
  readonly epoch: Epoch;
  readonly highWater: PhysicalMs;
}

/** The newest that this process ever saw of its oracle. A store that shows less has lost data (`postgres-redis.md` 3.9). */
export class Witness {
  #epoch: Epoch = EPOCH_ZERO;
  #highWater: PhysicalMs = PHYSICAL_MS_ZERO;

  get epoch(): Epoch {
    return this.#epoch;
  }

  see({ epoch, highWater }: Seen): void {
    if (epoch > this.#epoch) this.#epoch = epoch;
    if (highWater > this.#highWater) this.#highWater = highWater;
  }

  /** What is wrong with a state of the store, if anything is. */
  missing({ epoch, highWater }: Seen): string | undefined {
    if (epoch >= this.#epoch && highWater >= this.#highWater) return undefined;
    return (
      `the store shows epoch ${epoch} and high-water ${highWater}, but this process has seen epoch ${this.#epoch} and ` +
      `high-water ${this.#highWater}: acknowledged writes are lost; run "tsoracle postgres fast-forward"`
    );
  }
}
