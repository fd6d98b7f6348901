// SPDX-License-Identifier: Apache-2.0
import { type Epoch, type PhysicalMs, packTimestamp, Timestamp } from "@tsoracle/core";

/**
 * Consecutive timestamps of one millisecond and one epoch. Costs the same for one as for a million:
 * each timestamp is made when it is asked for.
 */
export class TimestampRange implements Iterable<Timestamp> {
  readonly physicalMs: PhysicalMs;
  readonly logicalStart: number;
  readonly length: number;
  readonly epoch: Epoch;

  /** Made by the client from a checked grant; `length` is at least 1. */
  constructor(physical: PhysicalMs, logicalStart: number, length: number, epoch: Epoch) {
    this.physicalMs = physical;
    this.logicalStart = logicalStart;
    this.length = length;
    this.epoch = epoch;
  }

  /** The smallest. */
  get first(): Timestamp {
    return new Timestamp(this.physicalMs, this.logicalStart, this.epoch);
  }

  /** The largest; inclusive. */
  get last(): Timestamp {
    return new Timestamp(this.physicalMs, this.logicalStart + this.length - 1, this.epoch);
  }

  /** The timestamp at an index, counted from the end when negative; undefined outside, as with arrays. */
  at(index: number): Timestamp | undefined {
    const truncated = Math.trunc(index) || 0;
    const offset = truncated < 0 ? this.length + truncated : truncated;
    if (offset < 0 || offset >= this.length) return undefined;
    return new Timestamp(this.physicalMs, this.logicalStart + offset, this.epoch);
  }

  /** The packed value of the first one; the others follow it without a gap. */
  get firstValue(): bigint {
    return packTimestamp(this.physicalMs, this.logicalStart);
  }

  *[Symbol.iterator](): IterableIterator<Timestamp> {
    for (let offset = 0; offset < this.length; offset += 1) {
      yield new Timestamp(this.physicalMs, this.logicalStart + offset, this.epoch);
    }
  }
}
