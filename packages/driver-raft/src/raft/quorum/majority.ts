// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../types.ts";

/** How an election stands. */
export type VoteResult = "VotePending" | "VoteLost" | "VoteWon";

/** Yes, no, or undefined for a vote that has not come; a `Map` is one. */
export interface Votes {
  get(id: NodeId): boolean | undefined;
}

/** Where each voter's log is known to match; undefined for a voter that nothing is known of. */
export type AckedIndexer = (id: NodeId) => number | undefined;

/** The voters of one majority quorum. The core never changes one in place once it is in use. */
export type MajorityConfig = ReadonlySet<NodeId>;

/** What the empty configuration commits: everything, so that it changes nothing as half of a joint quorum. */
export const everything: number = Number.POSITIVE_INFINITY;

/** A committed index as text; `everything` is "∞". */
export function describeIndex(index: number): string {
  return index === everything ? "∞" : String(index);
}

/** `(1 2 3)`, ascending. */
export function describeVoters(config: MajorityConfig): string {
  return `(${sortedIds(config).join(" ")})`;
}

export function sortedIds(config: ReadonlySet<NodeId>): NodeId[] {
  return [...config].sort((a, b) => a - b);
}

// One array for all calls: they are synchronous, never nested, and made on every acknowledgement.
const scratch: number[] = [];

/**
 * The highest index that a majority has reached: with n voters, the one that n/2 + 1 of them are at or above. Source:
 * `raft.md` E8; whether an entry there may be committed is for the leader to judge by its term.
 */
export function majorityCommittedIndex(config: MajorityConfig, acked: AckedIndexer): number {
  if (config.size === 0) return everything;
  scratch.length = 0;
  for (const id of config) insert(scratch, acked(id) ?? 0);
  return scratch[scratch.length - (Math.floor(scratch.length / 2) + 1)] as number;
}

/** Into an ascending array; configurations are small, so this beats a sort with a comparison function. */
function insert(ascending: number[], value: number): void {
  let at = ascending.length;
  ascending.push(value);
  while (at > 0 && (ascending[at - 1] as number) > value) {
    ascending[at] = ascending[at - 1] as number;
    at--;
  }
  ascending[at] = value;
}

/** Won once a majority said yes, lost once a majority cannot say yes any more. The empty configuration wins. */
export function majorityVoteResult(config: MajorityConfig, votes: Votes): VoteResult {
  if (config.size === 0) return "VoteWon";
  let yes = 0;
  let missing = 0;
  for (const id of config) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) yes++;
  }
  const needed = Math.floor(config.size / 2) + 1;
  if (yes >= needed) return "VoteWon";
  return yes + missing >= needed ? "VotePending" : "VoteLost";
}

/**
 * One line per voter, in the order of ids, with a bar as long as the number of voters that are behind it.
 * The text is that of the scenario files, byte for byte.
 */
export function describeMajority(config: MajorityConfig, acked: AckedIndexer): string {
  if (config.size === 0) return "<empty majority quorum>";
  const rows = sortedIds(config).map((id) => ({ id, index: acked(id), bar: 0 }));
  // The first of those who are equally far gets a bar, the others none: so do the scenario files.
  const byIndex = [...rows].sort((a, b) => (a.index ?? 0) - (b.index ?? 0) || a.id - b.id);
  byIndex.forEach((row, rank) => {
    const before = byIndex[rank - 1];
    row.bar = before !== undefined && (before.index ?? 0) < (row.index ?? 0) ? rank : 0;
  });
  const width = config.size;
  const lines = rows.map(({ id, index, bar }) => {
    const mark = index === undefined ? `?${" ".repeat(width)}` : `${"x".repeat(bar)}>${" ".repeat(width - bar)}`;
    return `${mark} ${String(index ?? 0).padStart(5)}    (id=${id})\n`;
  });
  return `${" ".repeat(width)}    idx\n${lines.join("")}`;
}
