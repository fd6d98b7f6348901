// SPDX-License-Identifier: Apache-2.0
import { CoreError } from "./core-error.ts";
import { EPOCH_ZERO, type Epoch } from "./epoch.ts";
import { LOGICAL_BITS, LOGICAL_MAX, U64_MAX } from "./limits.ts";
import { type PhysicalMs, physicalMs } from "./physical-ms.ts";
import { timestampToBytes } from "./timestamp-codec.ts";

const SHIFT = BigInt(LOGICAL_BITS);
const LOGICAL_MASK = BigInt(LOGICAL_MAX);

/** The two parts of a packed timestamp. */
export interface TimestampParts {
  readonly physicalMs: PhysicalMs;
  readonly logical: number;
}

/** @throws CoreError `logical_out_of_range` unless `logical` is an integer in `0..=2^18-1`. */
function checkLogical(logical: number): number {
  if (Number.isInteger(logical) && logical >= 0 && logical <= LOGICAL_MAX) return logical;
  throw new CoreError(
    "logical_out_of_range",
    `expected a logical part as an integer from 0 to ${LOGICAL_MAX} (18 bits), got ${String(logical)}`,
  );
}

/**
 * Packs a timestamp: `physicalMs << 18 | logical`, an unsigned 64-bit integer.
 *
 * @throws CoreError `physical_ms_out_of_range` or `logical_out_of_range`.
 */
export function packTimestamp(physical: number, logical: number): bigint {
  return (BigInt(physicalMs(physical)) << SHIFT) | BigInt(checkLogical(logical));
}

/**
 * The inverse of {@link packTimestamp}; every unsigned 64-bit integer is a timestamp.
 *
 * @throws CoreError `timestamp_out_of_range` outside `0..=2^64-1`.
 */
export function unpackTimestamp(packed: bigint): TimestampParts {
  if (packed < 0n || packed > U64_MAX) {
    throw new CoreError("timestamp_out_of_range", `expected a timestamp from 0 to 2^64-1, got ${packed}`);
  }
  return { physicalMs: physicalMs(Number(packed >> SHIFT)), logical: Number(packed & LOGICAL_MASK) };
}

/**
 * One timestamp, with the epoch of the leader that issued it. Timestamps are ordered by
 * `(physicalMs, logical)`; the epoch is information and takes no part in the order.
 *
 * The packed bigint is computed when it is asked for, because making one for each of a million
 * timestamps a second costs up to a quarter of the throughput (`performance.md` 3).
 */
export class Timestamp {
  readonly physicalMs: PhysicalMs;
  readonly logical: number;
  readonly epoch: Epoch;

  /** @throws CoreError `physical_ms_out_of_range` or `logical_out_of_range`. */
  constructor(physical: number, logical: number, epochOfIssue: Epoch = EPOCH_ZERO) {
    this.physicalMs = physicalMs(physical);
    this.logical = checkLogical(logical);
    this.epoch = epochOfIssue;
  }

  /** Reads a packed timestamp. @throws CoreError `timestamp_out_of_range`. */
  static fromValue(packed: bigint, epochOfIssue: Epoch = EPOCH_ZERO): Timestamp {
    const parts = unpackTimestamp(packed);
    return new Timestamp(parts.physicalMs, parts.logical, epochOfIssue);
  }

  /** Order of two timestamps, for `Array.prototype.sort`: negative, zero or positive. */
  static compare(a: Timestamp, b: Timestamp): number {
    return a.physicalMs - b.physicalMs || a.logical - b.logical;
  }

  /** The packed unsigned 64-bit integer. */
  get value(): bigint {
    return (BigInt(this.physicalMs) << SHIFT) | BigInt(this.logical);
  }

  /** Negative when this timestamp is older than `other`, zero when equal, positive when newer. */
  compare(other: Timestamp): number {
    return Timestamp.compare(this, other);
  }

  /** The packed value in decimal digits. */
  toString(): string {
    return this.value.toString();
  }

  /** The same as {@link toString}: JSON has no 64-bit integer. */
  toJSON(): string {
    return this.toString();
  }

  /** Eight bytes, big-endian, so that comparing bytes compares timestamps. */
  toBytes(): Uint8Array {
    return timestampToBytes(this.value);
  }

  /** The physical part as a date. Dates are for people: many timestamps share one. */
  toDate(): Date {
    return new Date(this.physicalMs);
  }
}
