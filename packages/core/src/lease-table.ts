// SPDX-License-Identifier: Apache-2.0
import { invariant } from "./invariant.ts";
import { isExpired, type LeaseRecord } from "./lease-record.ts";

export type AcquirePlan =
  /** Nothing to do: the holder already has a live lease at this epoch. */
  | { readonly kind: "idempotent"; readonly record: LeaseRecord }
  | { readonly kind: "grant"; readonly supersedes: bigint | undefined }
  | { readonly kind: "holder_epoch_stale"; readonly requested: bigint; readonly held: bigint };

export type RenewPlan =
  | { readonly kind: "renew"; readonly record: LeaseRecord }
  | { readonly kind: "unknown_lease" }
  | { readonly kind: "expired"; readonly leaseId: bigint; readonly expiredAtMs: bigint }
  | { readonly kind: "superseded"; readonly leaseId: bigint; readonly byEpoch: bigint };

/** A change to the live set; applied in the order: drop expired, supersede, remove, upsert. */
export interface LeaseChange {
  readonly supersede?: bigint | undefined;
  readonly remove?: bigint | undefined;
  readonly upsert?: LeaseRecord | undefined;
}

function sameHolder(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * The leases a leader knows, ordered by id, with prepare and commit so that the set can be made
 * durable in between. Pure; the time is an argument.
 */
export class LeaseTable {
  #records: readonly LeaseRecord[] = [];

  /** Loads a stored set; expired records are dropped. */
  seed(records: Iterable<LeaseRecord>, nowMs: number): void {
    this.#records = ordered([...records].filter((record) => !isExpired(record, nowMs)));
  }

  clear(): void {
    this.#records = [];
  }

  /** Every record, expired ones not yet pruned included, in order of id. */
  records(): readonly LeaseRecord[] {
    return this.#records;
  }

  planAcquire(holder: Uint8Array, holderEpoch: bigint, nowMs: number): AcquirePlan {
    const active = this.#records.find(
      (record) => !record.superseded && !isExpired(record, nowMs) && sameHolder(record.holder, holder),
    );
    if (active === undefined) return { kind: "grant", supersedes: undefined };
    if (active.holderEpoch === holderEpoch) return { kind: "idempotent", record: active };
    if (active.holderEpoch < holderEpoch) return { kind: "grant", supersedes: active.leaseId };
    return { kind: "holder_epoch_stale", requested: holderEpoch, held: active.holderEpoch };
  }

  /** Expiry is checked before supersession. */
  planRenew(leaseId: bigint, nowMs: number): RenewPlan {
    const record = this.#find(leaseId);
    if (record === undefined) return { kind: "unknown_lease" };
    if (isExpired(record, nowMs)) return { kind: "expired", leaseId, expiredAtMs: record.expiresAtMs };
    if (record.superseded) {
      let byEpoch = record.holderEpoch;
      for (const other of this.#records) {
        if (other.holderEpoch > byEpoch && sameHolder(other.holder, record.holder)) byEpoch = other.holderEpoch;
      }
      return { kind: "superseded", leaseId, byEpoch };
    }
    return { kind: "renew", record };
  }

  /** The record to remove, or undefined: releasing an unknown lease is a success without effect. */
  planRelease(leaseId: bigint): LeaseRecord | undefined {
    return this.#find(leaseId);
  }

  /** The live set after `change`: what a store must hold for the change to be durable. Changes nothing. */
  project(change: LeaseChange, nowMs: number): readonly LeaseRecord[] {
    const kept = this.#records
      .filter((record) => !isExpired(record, nowMs))
      .map((record) => (record.leaseId === change.supersede ? { ...record, superseded: true } : record))
      .filter((record) => record.leaseId !== change.remove);
    const { upsert } = change;
    if (upsert === undefined) return kept;
    return ordered([...kept.filter((record) => record.leaseId !== upsert.leaseId), upsert]);
  }

  /** Takes over a projected set that is now durable. */
  commit(live: readonly LeaseRecord[]): void {
    this.#records = ordered(live);
  }

  /** The smallest bound of an unexpired lease, superseded ones included, or undefined without leases. */
  minUnexpiredBound(nowMs: number): bigint | undefined {
    let minimum: bigint | undefined;
    for (const record of this.#records) {
      if (isExpired(record, nowMs)) continue;
      if (minimum === undefined || record.tsUpperBound < minimum) minimum = record.tsUpperBound;
    }
    return minimum;
  }

  #find(leaseId: bigint): LeaseRecord | undefined {
    return this.#records.find((record) => record.leaseId === leaseId);
  }
}

function ordered(records: readonly LeaseRecord[]): readonly LeaseRecord[] {
  const sorted = [...records].sort((a, b) => (a.leaseId < b.leaseId ? -1 : a.leaseId > b.leaseId ? 1 : 0));
  for (let index = 1; index < sorted.length; index += 1) {
    invariant(sorted[index - 1]?.leaseId !== sorted[index]?.leaseId, "no two leases share an id");
  }
  return sorted;
}
