// SPDX-License-Identifier: Apache-2.0
import type { LeaseRecord } from "@tsoracle/core";

/** A lease record of which every field depends on the id, so that mixed-up fields show. */
export function leaseRecord(leaseId: bigint): LeaseRecord {
  const small = leaseId % 1_000n;
  return {
    leaseId,
    holder: Uint8Array.from([0, 255, Number(small % 256n)]),
    holderEpoch: small + 1n,
    ttlMs: small + 5_000n,
    tsUpperBound: (small + 2n) << 18n,
    expiresAtMs: small + 9_000_000_000_000n,
    superseded: false,
  };
}

/** Records in a form that compares by value whatever class of bytes a store returns. */
export function plainLeases(records: readonly LeaseRecord[]): readonly object[] {
  return records.map(({ leaseId, holder, holderEpoch, ttlMs, tsUpperBound, expiresAtMs, superseded }) => ({
    leaseId,
    holder: [...holder],
    holderEpoch,
    ttlMs,
    tsUpperBound,
    expiresAtMs,
    superseded,
  }));
}
