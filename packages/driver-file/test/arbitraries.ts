// SPDX-License-Identifier: Apache-2.0
import { type LeaseRecord, PHYSICAL_MS_MAX, type PhysicalMs, parseSeqKey, physicalMs, U64_MAX } from "@tsoracle/core";
import fc from "fast-check";
import type { DenseEntry, DenseRecord } from "../src/dense-record.ts";

const u64 = fc.bigInt({ min: 0n, max: U64_MAX });

export const highWaters: fc.Arbitrary<PhysicalMs> = fc.integer({ min: 0, max: PHYSICAL_MS_MAX }).map(physicalMs);

const entries: fc.Arbitrary<DenseEntry> = fc
  .tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), u64)
  .filter(([text]) => parseSeqKey(text).ok)
  .map(([text, next]) => {
    const parsed = parseSeqKey(text);
    if (!parsed.ok) throw new Error("filtered above");
    return { key: parsed.key, keyBytes: new TextEncoder().encode(text), next };
  });

export const denseRecords: fc.Arbitrary<DenseRecord> = fc.record({
  cap: u64,
  entries: fc
    .uniqueArray(entries, { selector: ({ key }) => key, maxLength: 6 })
    .map((list) => list.sort((a, b) => Buffer.compare(a.keyBytes, b.keyBytes))),
});

const leases: fc.Arbitrary<LeaseRecord> = fc.record({
  leaseId: u64,
  holder: fc.uint8Array({ maxLength: 40 }),
  holderEpoch: u64,
  ttlMs: u64,
  tsUpperBound: u64,
  expiresAtMs: u64,
  superseded: fc.boolean(),
});

/** In order of id, as files hold them. */
export const leaseSets: fc.Arbitrary<LeaseRecord[]> = fc
  .uniqueArray(leases, { selector: ({ leaseId }) => leaseId, maxLength: 6 })
  .map((list) => list.sort((a, b) => (a.leaseId < b.leaseId ? -1 : 1)));
