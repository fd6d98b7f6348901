// SPDX-License-Identifier: Apache-2.0
import { MAX_LEASE_HOLDER_BYTES } from "./limits.ts";

/**
 * One client lease as stores keep it: `tsoracle-behaviour.md` 1.8. All integers are unsigned 64-bit;
 * times are milliseconds since the Unix epoch.
 */
export interface LeaseRecord {
  /** The high-water that was persisted for the grant: never given out twice, across leaders too. */
  readonly leaseId: bigint;
  /** Opaque, 1 to 128 bytes. */
  readonly holder: Uint8Array;
  readonly holderEpoch: bigint;
  readonly ttlMs: bigint;
  /** Durable high-water that covers the lease's whole life. */
  readonly tsUpperBound: bigint;
  readonly expiresAtMs: bigint;
  /** A newer epoch of the same holder has taken over; the bound still counts until expiry. */
  readonly superseded: boolean;
}

export type LeaseRequestRefusal =
  | { readonly ok: false; readonly reason: "holder_length"; readonly bytes: number; readonly max: number }
  | {
      readonly ok: false;
      readonly reason: "ttl_out_of_range";
      readonly ttlMs: bigint;
      readonly floorMs: number;
      readonly ceilingMs: number;
    };

/** Bounds that an operator sets for the life of a lease. */
export interface LeaseTtlBounds {
  readonly floorMs: number;
  readonly ceilingMs: number;
}

/** Checks holder, then TTL. */
export function validateLeaseRequest(
  holder: Uint8Array,
  ttlMs: bigint,
  bounds: LeaseTtlBounds,
): { readonly ok: true } | LeaseRequestRefusal {
  if (holder.length < 1 || holder.length > MAX_LEASE_HOLDER_BYTES) {
    return { ok: false, reason: "holder_length", bytes: holder.length, max: MAX_LEASE_HOLDER_BYTES };
  }
  if (ttlMs < BigInt(bounds.floorMs) || ttlMs > BigInt(bounds.ceilingMs)) {
    return { ok: false, reason: "ttl_out_of_range", ttlMs, ...bounds };
  }
  return { ok: true };
}

/** A lease is expired from the instant `expiresAtMs` on. */
export function isExpired(record: LeaseRecord, nowMs: number): boolean {
  return nowMs >= record.expiresAtMs;
}
