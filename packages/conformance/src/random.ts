// SPDX-License-Identifier: Apache-2.0

/** A small seeded generator: the same seed gives the same choices on every machine. Not for secrets. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer in `0..below-1`. */
  below(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** True with a chance of one in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Mulberry32: one 32-bit word of state, well spread, and easy to check. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let word = this.#state;
    word = Math.imul(word ^ (word >>> 15), word | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** A seed for one purpose, made of a base seed and a name (FNV-1a over the two). */
export function deriveSeed(base: number, name: string): number {
  let hash = 0x811c9dc5 ^ (base >>> 0);
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
