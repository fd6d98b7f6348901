// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { type PhysicalMs, physicalMs } from "@tsoracle/core";

const STORES = 3;
const MAJORITY = 2;

/** What one of the stores has: nothing since it was wiped, or a value. */
type Copy = number | undefined;

/** How a broken variant differs. */
export interface RegisterFlaws {
  /** What a read takes a wiped store for, where it should leave it out; called with its number. */
  readonly readWiped?: (register: ReplicatedRegister, store: number) => Copy;
}

/**
 * A number in three stores, written to two and read from two, other two each time, so that a store is often behind.
 * A store that was wiped has no vote until a write has filled it again from what two others hold.
 */
export class ReplicatedRegister {
  readonly #copies: Copy[] = Array.from({ length: STORES }, () => 0);
  readonly #flaws: RegisterFlaws;
  #turn = 0;

  constructor(flaws: RegisterFlaws = {}) {
    this.#flaws = flaws;
  }

  read(): PhysicalMs {
    const values = this.#inTurn().flatMap((store) => {
      const value = this.#copies[store] ?? this.#flaws.readWiped?.(this, store);
      return value === undefined ? [] : [value];
    });
    if (values.length < MAJORITY) throw new ConsensusError("transient", "too few stores remember anything");
    return physicalMs(Math.max(...values.slice(0, MAJORITY)));
  }

  raise(atLeast: number): PhysicalMs {
    const value = Math.max(this.read(), atLeast);
    for (const store of this.#inTurn().slice(0, MAJORITY)) this.put(store, value);
    return physicalMs(value);
  }

  put(store: number, value: number): void {
    this.#copies[store] = value;
  }

  wipe(store: number): void {
    this.#copies[store] = undefined;
  }

  /** The stores, beginning with another one each time. */
  #inTurn(): readonly number[] {
    this.#turn += 1;
    return Array.from({ length: STORES }, (_, index) => (index + this.#turn) % STORES);
  }
}
