// SPDX-License-Identifier: Apache-2.0
import { majority } from "@tsoracle/quorum";
import { type Ballot, compareCopies } from "./ballot.ts";
import type { ReplicaHead } from "./replica.ts";

/** A state that a majority has, which nothing that resolved before the read began is newer than. */
export interface KnownState {
  readonly accepted: Ballot;
  readonly rev: number;
  readonly copy: ReplicaHead;
  /** The nodes that showed exactly it. */
  readonly holders: readonly string[];
}

/**
 * Finds the newest state that is surely on a majority, if the answers show which one that is.
 *
 * - It is on a majority: that many showed it or a later revision of the same ballot.
 * - Nothing newer was on a majority when the read began: those that showed newer ones and those that were not heard are
 *   together too few.
 *
 * Undefined means that a write is under way, or was left half done: only a new ballot can settle which.
 *
 * @param heads of nodes with a vote, by node
 * @param n all nodes, heard or not
 */
export function knownState(heads: ReadonlyMap<string, ReplicaHead>, n: number): KnownState | undefined {
  const w = majority(n);
  const copies = [...heads.values()];
  for (const accepted of new Set(copies.map((copy) => copy.accepted))) {
    const revs = copies.filter((copy) => copy.accepted === accepted).map(({ rev }) => rev);
    const rev = revs.sort((left, right) => right - left)[w - 1];
    if (rev === undefined) continue;
    const newer = copies.filter((copy) => compareCopies(copy, { accepted, rev }) > 0).length;
    if (newer + (n - copies.length) >= w) continue;
    const shown = [...heads].filter(([, copy]) => copy.accepted === accepted && copy.rev === rev);
    const [first] = shown;
    if (first !== undefined) return { accepted, rev, copy: first[1], holders: shown.map(([label]) => label) };
  }
  return undefined;
}
