// SPDX-License-Identifier: Apache-2.0
import { FenceValueError } from "./fencing-errors.ts";

export interface RequiredAcksOptions {
  /** Members that are configured, this node included; never the number that happens to be alive. */
  readonly configuredMembers: number;
  /** How many members must hold a record before it is acknowledged, this node included. @defaultValue a majority */
  readonly requested?: number;
  /** Whether the group elects leaders. Only a group that does not may run asynchronously, with 0. */
  readonly electsLeaders: boolean;
}

/**
 * How many members must hold a record before it counts. In a group that elects leaders that is a majority
 * of the configured members at least, so that two sides of a partition cannot both acknowledge.
 * Source: `fencing-quorum-sessions.md` 3.7, F7.
 *
 * @throws FenceValueError `required_acks_too_few`, or `required_acks_too_few` too for numbers that cannot be.
 */
export function requiredAcks(options: RequiredAcksOptions): number {
  const { configuredMembers: n, electsLeaders } = options;
  const majority = Math.floor(n / 2) + 1;
  const requested = options.requested ?? majority;
  const least = electsLeaders ? majority : 0;
  if (Number.isSafeInteger(n) && n >= 1 && Number.isSafeInteger(requested) && requested >= least && requested <= n) {
    return requested;
  }
  const why = electsLeaders ? `a majority of ${n} configured members` : "0 for an asynchronous group";
  throw new FenceValueError(
    "required_acks_too_few",
    `expected required acks from ${least} (${why}) to ${n}, got ${requested}`,
  );
}
