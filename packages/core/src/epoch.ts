// SPDX-License-Identifier: Apache-2.0
import { CoreError } from "./core-error.ts";
import { U64_MAX, U128_MAX } from "./limits.ts";

declare const proof: unique symbol;

/**
 * Orders the reigns of an oracle: an unsigned 128-bit integer that a driver installs in its store
 * before it names a leader. Opaque to everything but the driver. Zero is a legal epoch.
 */
export type Epoch = bigint & { readonly [proof]: "Epoch" };

/** The two unsigned 64-bit halves of an epoch, as the wire carries it. */
export interface EpochHalves {
  readonly hi: bigint;
  readonly lo: bigint;
}

/** The first epoch, and the only one of a store that never changes leaders. */
export const EPOCH_ZERO: Epoch = 0n as Epoch;

/**
 * The checked constructor.
 *
 * @throws CoreError `epoch_out_of_range` for anything but an integer in `0..=2^128-1`.
 */
export function epoch(value: bigint): Epoch {
  if (typeof value === "bigint" && value >= 0n && value <= U128_MAX) return value as Epoch;
  throw new CoreError("epoch_out_of_range", `expected an epoch from 0 to 2^128-1, got ${String(value)}`);
}

/** Splits an epoch. The order of `(hi, lo)` is the order of epochs. */
export function epochToHalves(value: Epoch): EpochHalves {
  return { hi: value >> 64n, lo: value & U64_MAX };
}

/**
 * Joins two halves.
 *
 * @throws CoreError `epoch_out_of_range` unless both are integers in `0..=2^64-1`.
 */
export function epochFromHalves(halves: EpochHalves): Epoch {
  const { hi, lo } = halves;
  if (hi < 0n || hi > U64_MAX || lo < 0n || lo > U64_MAX) {
    throw new CoreError("epoch_out_of_range", `expected two halves from 0 to 2^64-1, got (${hi}, ${lo})`);
  }
  return ((hi << 64n) | lo) as Epoch;
}
