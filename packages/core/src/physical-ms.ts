// SPDX-License-Identifier: Apache-2.0
import { CoreError } from "./core-error.ts";
import { PHYSICAL_MS_MAX } from "./limits.ts";

declare const proof: unique symbol;

/**
 * Milliseconds since the Unix epoch, proven to be an integer in `0..=2^46-1`. A high-water and the
 * physical part of a timestamp are of this type. There is one way to make one: {@link physicalMs}.
 */
export type PhysicalMs = number & { readonly [proof]: "PhysicalMs" };

/** True exactly for the values that {@link physicalMs} accepts. */
export function isPhysicalMs(value: unknown): value is PhysicalMs {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= PHYSICAL_MS_MAX;
}

/**
 * The checked constructor.
 *
 * @throws CoreError `physical_ms_out_of_range` for anything but an integer in `0..=2^46-1`.
 */
export function physicalMs(value: number): PhysicalMs {
  if (isPhysicalMs(value)) return value === 0 ? PHYSICAL_MS_ZERO : value;
  throw new CoreError(
    "physical_ms_out_of_range",
    `expected physical milliseconds as an integer from 0 to ${PHYSICAL_MS_MAX} (46 bits), got ${String(value)}`,
  );
}

/** The high-water of an oracle that has never served. */
export const PHYSICAL_MS_ZERO: PhysicalMs = 0 as PhysicalMs;
/** The largest high-water there can be; {@link PHYSICAL_MS_MAX} with its proof. */
export const MAX_PHYSICAL_MS: PhysicalMs = PHYSICAL_MS_MAX as PhysicalMs;
