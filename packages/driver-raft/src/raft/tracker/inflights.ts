// SPDX-License-Identifier: Apache-2.0
import { noLimit } from "../types.ts";

/**
 * The appends to one follower that it has not acknowledged yet, in the order in which they were sent: a ring of pairs
 * of the last index and the bytes of each. It bounds what is on the way by number and by bytes (`raft.md` E9).
 */
export class Inflights {
  readonly #size: number;
  readonly #maxBytes: number;
  #start = 0;
  #count = 0;
  #bytes = 0;
  // Grows up to `size` as needed: most followers never fill their window.
  #index: number[] = [];
  #weight: number[] = [];

  /**
   * @param size how many appends may be on the way, from 1
   * @param maxBytes how many bytes may be on the way before no further append starts; 0 for no limit
   */
  constructor(size: number, maxBytes: number = 0) {
    this.#size = size;
    this.#maxBytes = maxBytes === 0 ? noLimit : maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether no further append may be sent. The last one sent may exceed the limit of bytes. */
  full(): boolean {
    return this.#count === this.#size || this.#bytes >= this.#maxBytes;
  }

  /**
   * Notes an append that ends at `index`.
   *
   * @throws RangeError if the window is full: the caller must ask first.
   */
  add(index: number, bytes: number): void {
    if (this.full()) throw new RangeError(`cannot add ${index} to a full window of ${this.#size} appends`);
    if (this.#count === this.#index.length) this.#grow();
    const at = (this.#start + this.#count) % this.#index.length;
    this.#index[at] = index;
    this.#weight[at] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Forgets all appends that end at or below `to`: the follower has them. */
  freeLE(to: number): void {
    while (this.#count > 0 && (this.#index[this.#start] as number) <= to) {
      this.#bytes -= this.#weight[this.#start] as number;
      this.#start = (this.#start + 1) % this.#index.length;
      this.#count--;
    }
    if (this.#count === 0) this.#start = 0;
  }

  /** Forgets everything; the memory stays for the next use. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  clone(): Inflights {
    const copy = new Inflights(this.#size, this.#maxBytes);
    copy.#start = this.#start;
    copy.#count = this.#count;
    copy.#bytes = this.#bytes;
    copy.#index = [...this.#index];
    copy.#weight = [...this.#weight];
    return copy;
  }

  /** Doubles the ring, up to its size; the entries move to its beginning. */
  #grow(): void {
    const length = this.#index.length;
    const next = Math.min(this.#size, Math.max(1, length * 2));
    const index = new Array<number>(next).fill(0);
    const weight = new Array<number>(next).fill(0);
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#start + i) % length;
      index[i] = this.#index[at] as number;
      weight[i] = this.#weight[at] as number;
    }
    this.#index = index;
    this.#weight = weight;
    this.#start = 0;
  }
}
