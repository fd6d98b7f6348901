// SPDX-License-Identifier: Apache-2.0

/**
 * Every clause of the journal contract that the kit tests. Public and under semver: subjects name gaps by these ids,
 * and `FencedJournal` labels its documentation with them; the last two are the kit's own.
 */
export type JournalClauseId =
  | "journal.create"
  | "journal.unknown"
  | "journal.load"
  | "journal.isolated"
  | "journal.arguments"
  | "journal.takeover"
  | "journal.takeover-from"
  | "journal.race"
  | "journal.epoch-exact"
  | "journal.split-brain"
  | "journal.fenced"
  | "journal.ungranted"
  | "journal.fence-first"
  | "journal.late"
  | "journal.next"
  | "journal.concurrent"
  | "journal.bytes"
  | "journal.bounds"
  | "journal.snapshot"
  | "journal.snapshot-ahead"
  | "journal.truncate"
  | "journal.truncate-covered"
  | "journal.durable"
  | "journal.reopen"
  | "journal.torn"
  | "journal.rot"
  | "journal.lost-reply"
  | "journal.cancel-before"
  | "journal.cancel-in-flight"
  | "journal.bounded"
  | "journal.partition"
  | "journal.closed"
  | "journal.dispose-idempotent"
  | "journal.dispose-settles"
  | "journal.exclusive"
  | "journal.universes"
  | "journal.history";
