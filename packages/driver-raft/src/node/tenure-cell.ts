// SPDX-License-Identifier: Apache-2.0
import type { LeaseMark } from "@tsoracle/consensus";

/** Words of 64 bits: sequence lock, term of the reign (0: none), monotonic nanoseconds, boot and wall milliseconds. */
const LOCK = 0;
const TERM = 1;
const MONOTONIC = 2;
const BOOT = 3;
const WALL = 4;
const WORDS = 5;

/** The newest acknowledged round of a reign, as the serving thread sees it. */
export interface TenureReading {
  readonly term: number;
  /** Undefined until a quorum has acknowledged a round of this reign. */
  readonly mark: LeaseMark | undefined;
}

/** A write takes less than a microsecond; a reader that still finds one under way after so many looks says that no reign stands. */
const LOOKS = 100_000;

const none: TenureReading = Object.freeze({ term: 0, mark: undefined });

/**
 * The tenure in memory that two threads share (N4): the consensus thread writes, the serving thread reads,
 * without a message in between. A sequence lock makes a reading whole: it is odd while a write is under
 * way, and a reader that saw it change begins again. Every word is read and written atomically, since
 * nothing else keeps its place between the two looks at the lock. The hrtime clock is the same in all threads.
 */
export class TenureCell {
  readonly memory: SharedArrayBuffer;
  readonly #words: BigInt64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
  }

  /** A reign begins, not yet acknowledged. Consensus thread only. */
  begin(term: number): void {
    this.#write(() => {
      Atomics.store(this.#words, TERM, BigInt(term));
      Atomics.store(this.#words, MONOTONIC, -1n);
    });
  }

  /** A round that was sent after `mark` is acknowledged. Ignored unless that reign stands. Consensus thread only. */
  renew(term: number, mark: LeaseMark): void {
    if (Atomics.load(this.#words, TERM) !== BigInt(term)) return;
    this.#write(() => {
      Atomics.store(this.#words, MONOTONIC, mark.monotonicNs);
      Atomics.store(this.#words, BOOT, bitsOf(mark.bootMs));
      Atomics.store(this.#words, WALL, bitsOf(mark.wallMs));
    });
  }

  /** No reign stands. Consensus thread only, or another when that one has ended. */
  end(): void {
    this.#write(() => Atomics.store(this.#words, TERM, 0n));
  }

  /** Any thread. Says that no reign stands if the writing thread ended in the middle of a write. */
  read(): TenureReading {
    for (let looks = 0; looks < LOOKS; looks++) {
      const before = Atomics.load(this.#words, LOCK);
      if (before % 2n !== 0n) continue;
      const reading = this.#reading();
      if (Atomics.load(this.#words, LOCK) === before) return reading;
    }
    return none;
  }

  /** The term of the reign that stands, or 0. Any thread. */
  get term(): number {
    return Number(Atomics.load(this.#words, TERM));
  }

  #reading(): TenureReading {
    const term = Number(Atomics.load(this.#words, TERM));
    const monotonicNs = Atomics.load(this.#words, MONOTONIC);
    const bootMs = numberOf(Atomics.load(this.#words, BOOT));
    const wallMs = numberOf(Atomics.load(this.#words, WALL));
    return { term, mark: monotonicNs < 0n ? undefined : { monotonicNs, bootMs, wallMs } };
  }

  #write(change: () => void): void {
    Atomics.add(this.#words, LOCK, 1n);
    change();
    Atomics.add(this.#words, LOCK, 1n);
  }
}

const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** Milliseconds with fractions as a word. */
function bitsOf(value: number): bigint {
  float[0] = value;
  return bits[0] as bigint;
}

function numberOf(word: bigint): number {
  bits[0] = word;
  return float[0] as number;
}
