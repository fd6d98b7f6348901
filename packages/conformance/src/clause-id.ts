// SPDX-License-Identifier: Apache-2.0

/**
 * Every clause of the contract that the kit tests. Public and under semver: subjects name gaps by
 * these ids, reports are keyed by them, and `ConsensusDriver` labels its documentation with them.
 */
export type ClauseId =
  | "harness.isolated"
  | "harness.reopen"
  | "lifecycle.capabilities"
  | "lifecycle.dispose-idempotent"
  | "lifecycle.closed"
  | "lifecycle.dispose-settles"
  | "lifecycle.exclusive"
  | "leadership.first-item"
  | "leadership.epoch-order"
  | "leadership.one-per-epoch"
  | "leadership.endpoint"
  | "leadership.abort"
  | "leadership.subscribers"
  | "leadership.separated"
  | "leadership.tenure"
  | "leadership.resign"
  | "load.fresh"
  | "load.linearized"
  | "advance.max"
  | "advance.stale"
  | "advance.concurrent"
  | "advance.range"
  | "durable.crash"
  | "durable.unresolved"
  | "fencing.superseded"
  | "fencing.late"
  | "uncertain.lost-reply"
  | "cancel.before"
  | "cancel.in-flight"
  | "latency.bounded"
  | "latency.partition"
  | "sequences.absent"
  | "sequences.load"
  | "sequences.dense"
  | "sequences.batch-atomic"
  | "sequences.cap"
  | "sequences.overflow"
  | "sequences.lost-reply"
  | "sequences.fenced"
  | "sequences.durable"
  | "leases.absent"
  | "leases.load"
  | "leases.replace"
  | "leases.fenced"
  | "leases.durable"
  | "membership.members"
  | "membership.absent"
  | "history.model";

/** The part of a clause id before the dot. */
export type ClauseGroup = ClauseId extends `${infer Group}.${string}` ? Group : never;
