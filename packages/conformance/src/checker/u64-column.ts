// SPDX-License-Identifier: Apache-2.0

const LOW_BITS = 32n;
const LOW_MASK = 0xffff_ffffn;

/**
 * A growing column of unsigned 64-bit integers, 8 bytes each. Comparing entries makes no bigint, because
 * sorting a million of them would otherwise make forty million.
 */
export class U64Column {
  #high: Uint32Array;
  #low: Uint32Array;

  constructor(capacity: number) {
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
  }

  grow(capacity: number): void {
    const [high, low] = [this.#high, this.#low];
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#high.set(high);
    this.#low.set(low);
  }

  set(row: number, value: bigint): void {
    this.#high[row] = Number(value >> LOW_BITS);
    this.#low[row] = Number(value & LOW_MASK);
  }

  get(row: number): bigint {
    return (BigInt(this.high(row)) << LOW_BITS) | BigInt(this.low(row));
  }

  high(row: number): number {
    return this.#high[row] as number;
  }

  low(row: number): number {
    return this.#low[row] as number;
  }

  /** Negative, zero or positive as this column's entry is below, equal to or above the other's. */
  compare(row: number, other: U64Column, otherRow: number): number {
    return this.high(row) - other.high(otherRow) || this.low(row) - other.low(otherRow);
  }
}
