// SPDX-License-Identifier: Apache-2.0
import { QuorumError } from "./quorum-error.ts";

/**
 * The highest value that at least `w` of the given ones have reached: the w-th largest. A Raft leader
 * commits up to it, if the entry there is of its own term; pass the voters only, learners do not count.
 * Source: `fencing-quorum-sessions.md` 5.2.
 *
 * @param values one per voter, of one kind of number; order does not matter
 * @throws QuorumError `invalid_policy` unless `w` is a whole number from 1 to the number of values, and for NaN.
 */
export function quorumIndex<T extends number | bigint>(values: readonly T[], w: number): T {
  if (!Number.isSafeInteger(w) || w < 1 || w > values.length) {
    throw QuorumError.invalidPolicy(`w must be from 1 to the number of voters, ${values.length}, got ${String(w)}`);
  }
  if (values.some((value) => Number.isNaN(value))) throw QuorumError.invalidPolicy("a voter's index is NaN");
  const descending = [...values].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  return descending[w - 1] as T;
}
