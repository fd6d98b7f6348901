// SPDX-License-Identifier: Apache-2.0

/** The middle value; the mean of the two middle values of an even number of them. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Latencies in microseconds, in buckets 2 % wide, so that a run of any length needs the same memory
 * and recording costs no allocation.
 */
export class LatencyHistogram {
  static readonly #growth = 1.02;
  static readonly #buckets = 1_200;
  readonly #counts = new Float64Array(LatencyHistogram.#buckets);
  #total = 0;

  get count(): number {
    return this.#total;
  }

  record(microseconds: number): void {
    const bucket = microseconds <= 1 ? 0 : Math.ceil(Math.log(microseconds) / Math.log(LatencyHistogram.#growth));
    const index = Math.min(bucket, LatencyHistogram.#buckets - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total += 1;
  }

  /** The upper bound of the bucket that holds the given share (0 to 1) of all recorded values. */
  quantile(share: number): number {
    const rank = share * this.#total;
    let seen = 0;
    for (const [index, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank && count > 0) return LatencyHistogram.#growth ** index;
    }
    return Number.NaN;
  }
}
