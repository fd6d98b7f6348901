// SPDX-License-Identifier: Apache-2.0

/** What must have happened at least once in a run of some length; each is counted where it takes effect, not where it is planned. */
export const COUNTED = [
  "messages_dropped",
  "messages_delayed",
  "messages_duplicated",
  "messages_reordered",
  "partitions_symmetric",
  "partitions_one_way",
  "messages_cut_by_partition",
  "streams_broken",
  "pauses",
  "suspends",
  "wall_clock_steps",
  "drifting_clocks",
  "late_ticks_skipped",
  "crashes_between_steps",
  "crashes_at_operation",
  "power_losses",
  "torn_writes",
  "lost_writes",
  "reordered_writes",
  "lost_directory_entries",
  "restarts_of_all",
  "bit_flips",
  "bit_flips_refused",
  "sync_errors",
  "write_errors",
  "full_disks",
  "slow_disk_steps",
  "wiped_refused_empty",
  "wiped_refused_by_peers",
  "lost_disks_met_by_laggards",
  "lost_disks_known_later",
  "cloned_refused",
  "lost_nodes_replaced",
  "learners_added",
  "learners_promoted",
  "addresses_heard",
  "members_removed",
  "removed_refused",
  "agreed_by_word",
  "transfers",
  "snapshots_taken",
  "snapshots_installed",
  "overwrites",
  "elections",
  "reigns",
  "commits",
  "advances_ok",
  "advances_uncertain",
  "sequences_ok",
  "leases_ok",
  "reads_ok",
  "follower_reads_ok",
  "grants_by_lease",
  "grants_by_confirm",
  "grants_refused_by_tenure",
  "stale_reigns_alive",
  "liveness_checked",
] as const;

export type Counter = (typeof COUNTED)[number];
export type Counts = Record<Counter, number>;

export function newCounts(): Counts {
  return Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts;
}

export function addCounts(into: Counts, from: Counts): void {
  for (const name of COUNTED) into[name] += from[name];
}

/** Those that stayed at 0. */
export function unfired(counts: Counts): readonly Counter[] {
  return COUNTED.filter((name) => counts[name] === 0);
}
