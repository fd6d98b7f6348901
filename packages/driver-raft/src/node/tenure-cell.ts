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

/**
 * The tenure in memory that two threads share (N4): the consensus thread writes, the serving thread reads,
 * without a message in between. A sequence lock makes a reading whole: it is odd while a write is under
 * way, and a reader that saw it change begins again. The hrtime clock is the same in all threads.
 */
export class TenureCell {
  readonly memory: SharedArrayBuffer;
  readonly #words: BigInt64Array;
  /** Milliseconds with fractions, in the same words. */
  readonly #floats: Float64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)) {
    this.memory = memory;
    this.#words = new BigInt64Array(memory);
    this.#floats = new Float64Array(memory);
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
      this.#floats[BOOT] = mark.bootMs;
      this.#floats[WALL] = mark.wallMs;
    });
  }

  /** No reign stands. Consensus thread only. */
  end(): void {
    this.#write(() => Atomics.store(this.#words, TERM, 0n));
  }

  /** Any thread. */
  read(): TenureReading {
    for (;;) {
      const before = Atomics.load(this.#words, LOCK);
      if (before % 2n === 0n) {
        const reading = this.#reading();
        if (Atomics.load(this.#words, LOCK) === before) return reading;
      }
    }
  }

  /** The term of the reign that stands, or 0. Any thread. */
  get term(): number {
    return Number(Atomics.load(this.#words, TERM));
  }

  #reading(): TenureReading {
    const term = Number(Atomics.load(this.#words, TERM));
    const monotonicNs = Atomics.load(this.#words, MONOTONIC);
    const [bootMs, wallMs] = [this.#floats[BOOT] ?? Number.NaN, this.#floats[WALL] ?? Number.NaN];
    return { term, mark: monotonicNs < 0n ? undefined : { monotonicNs, bootMs, wallMs } };
  }

  #write(change: () => void): void {
    Atomics.add(this.#words, LOCK, 1n);
    change();
    Atomics.add(this.#words, LOCK, 1n);
  }
}
