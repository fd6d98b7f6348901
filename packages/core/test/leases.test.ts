// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isExpired, type LeaseRecord, LeaseTable, validateLeaseRequest } from "../src/index.ts";

const bounds = { floorMs: 5_000, ceilingMs: 300_000 };

function record(fields: Partial<Omit<LeaseRecord, "holder">> & { readonly who?: number } = {}): LeaseRecord {
  const { who = 1, ...rest } = fields;
  const base = { leaseId: 1n, holderEpoch: 1n, ttlMs: 10n, tsUpperBound: 100n, expiresAtMs: 50n, superseded: false };
  return { ...base, holder: Uint8Array.of(who, 0), ...rest };
}

function tableOf(...records: LeaseRecord[]): LeaseTable {
  const table = new LeaseTable();
  table.seed(records, 0);
  return table;
}

describe("validateLeaseRequest", () => {
  it.each([
    [1, 5_000n],
    [128, 300_000n],
  ])("accepts a holder of %i bytes for %i ms", (length, ttl) => {
    expect(validateLeaseRequest(new Uint8Array(length), ttl, bounds)).toEqual({ ok: true });
  });

  it("checks the holder before the TTL", () => {
    expect(validateLeaseRequest(new Uint8Array(0), 0n, bounds)).toMatchObject({ reason: "holder_length", bytes: 0 });
    expect(validateLeaseRequest(new Uint8Array(129), 0n, bounds)).toMatchObject({ reason: "holder_length", max: 128 });
  });

  it.each([0n, 4_999n, 300_001n, 2n ** 64n - 1n])("refuses a TTL of %i ms and names both limits", (ttlMs) => {
    expect(validateLeaseRequest(new Uint8Array(1), ttlMs, bounds)).toEqual({
      ok: false,
      reason: "ttl_out_of_range",
      ttlMs,
      ...bounds,
    });
  });
});

describe("isExpired", () => {
  it("holds from the instant of expiry on", () => {
    expect([49, 50, 51].map((now) => isExpired(record(), now))).toEqual([false, true, true]);
  });

  it("compares exactly beyond what a number can hold", () => {
    expect(isExpired(record({ expiresAtMs: 2n ** 53n + 1n }), 2 ** 53)).toBe(false);
    expect(isExpired(record({ expiresAtMs: 2n ** 64n - 1n }), Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

describe("LeaseTable", () => {
  it("drops what has expired when it is seeded, and orders the rest by id", () => {
    const table = new LeaseTable();
    table.seed([record({ leaseId: 3n }), record({ leaseId: 2n, expiresAtMs: 10n }), record({ leaseId: 1n })], 10);
    expect(table.records().map(({ leaseId }) => leaseId)).toEqual([1n, 3n]);
  });

  it("refuses two records with one id", () => {
    expect(() => tableOf(record(), record())).toThrow("share an id");
  });

  it("plans a grant, the same lease again, a takeover or a refusal by the holder's epoch", () => {
    const table = tableOf(record({ leaseId: 4n, holderEpoch: 5n }));
    const holder = Uint8Array.of(1, 0);
    expect(table.planAcquire(Uint8Array.of(1), 1n, 0)).toEqual({ kind: "grant", supersedes: undefined });
    expect(table.planAcquire(holder, 5n, 0)).toMatchObject({ kind: "idempotent", record: { leaseId: 4n } });
    expect(table.planAcquire(holder, 6n, 0)).toEqual({ kind: "grant", supersedes: 4n });
    expect(table.planAcquire(holder, 4n, 0)).toEqual({ kind: "holder_epoch_stale", requested: 4n, held: 5n });
  });

  it("remembers no epoch of a holder whose lease has expired", () => {
    expect(tableOf(record({ holderEpoch: 5n })).planAcquire(Uint8Array.of(1, 0), 1n, 50)).toEqual({
      kind: "grant",
      supersedes: undefined,
    });
  });

  it("looks for expiry before supersession when it plans a renewal", () => {
    const old = record({ leaseId: 1n, superseded: true });
    const table = tableOf(
      old,
      record({ leaseId: 2n, holderEpoch: 2n }),
      record({ leaseId: 3n, holderEpoch: 7n, who: 9 }),
    );
    expect(table.planRenew(8n, 0)).toEqual({ kind: "unknown_lease" });
    expect(table.planRenew(1n, 50)).toEqual({ kind: "expired", leaseId: 1n, expiredAtMs: 50n });
    expect(table.planRenew(1n, 0)).toEqual({ kind: "superseded", leaseId: 1n, byEpoch: 2n });
    expect(table.planRenew(2n, 0)).toMatchObject({ kind: "renew", record: { leaseId: 2n } });
  });

  it("names the highest of the holder's higher epochs as the one that superseded", () => {
    const table = tableOf(
      record({ leaseId: 1n, superseded: true }),
      record({ leaseId: 2n, holderEpoch: 4n, superseded: true }),
      record({ leaseId: 3n, holderEpoch: 3n }),
    );
    expect(table.planRenew(1n, 0)).toMatchObject({ byEpoch: 4n });
  });

  it("drops expired records, supersedes, removes and inserts, in this order", () => {
    const table = tableOf(record({ leaseId: 1n, expiresAtMs: 5n }), record({ leaseId: 2n }), record({ leaseId: 3n }));
    const upsert = record({ leaseId: 3n, holderEpoch: 9n });
    const live = table.project({ supersede: 2n, remove: 3n, upsert }, 5);
    expect(live.map(({ leaseId, superseded, holderEpoch }) => [leaseId, superseded, holderEpoch])).toEqual([
      [2n, true, 1n],
      [3n, false, 9n],
    ]);
    expect(table.records()).toHaveLength(3);
    expect(table.records()[1]?.superseded).toBe(false);
  });

  it("counts superseded leases in the smallest bound, and expired ones not", () => {
    const table = tableOf(
      record({ leaseId: 1n, tsUpperBound: 10n, expiresAtMs: 5n }),
      record({ leaseId: 2n, tsUpperBound: 20n, superseded: true }),
      record({ leaseId: 3n, tsUpperBound: 30n }),
    );
    expect([0, 5, 50].map((now) => table.minUnexpiredBound(now))).toEqual([10n, 20n, undefined]);
  });

  it("forgets everything when it is cleared", () => {
    const table = tableOf(record());
    table.clear();
    expect([table.records(), table.planRelease(1n), table.minUnexpiredBound(0)]).toEqual([[], undefined, undefined]);
  });
});

interface SimpleLease {
  id: number;
  who: number;
  epoch: number;
  expires: number;
  superseded: boolean;
}

type LeaseOperation =
  | { readonly do: "acquire"; readonly who: number; readonly epoch: number; readonly ttl: number }
  | { readonly do: "renew" | "release"; readonly pick: number }
  | { readonly do: "wait"; readonly ms: number };

describe("LeaseTable against a list of leases", () => {
  const operation: fc.Arbitrary<LeaseOperation> = fc.oneof(
    fc.record({
      do: fc.constant("acquire" as const),
      who: fc.integer({ min: 0, max: 2 }),
      epoch: fc.integer({ min: 0, max: 3 }),
      ttl: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ do: fc.constantFrom("renew" as const, "release" as const), pick: fc.nat({ max: 6 }) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 5 }) }),
  );

  it("has the same live set and says the same after any history", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const table = new LeaseTable();
        let list: SimpleLease[] = [];
        let now = 0;
        let lastId = 0;
        const find = (pick: number): number => Math.max(1, lastId - pick);
        const store = (lease: SimpleLease): LeaseRecord =>
          record({
            leaseId: BigInt(lease.id),
            who: lease.who,
            holderEpoch: BigInt(lease.epoch),
            expiresAtMs: BigInt(lease.expires),
            superseded: lease.superseded,
          });
        for (const step of operations) {
          if (step.do === "wait") now += step.ms;
          const live = list.filter((lease) => lease.expires > now);
          if (step.do === "acquire") {
            const active = live.find((lease) => lease.who === step.who && !lease.superseded);
            const kind =
              active === undefined || active.epoch < step.epoch
                ? "grant"
                : active.epoch === step.epoch
                  ? "idempotent"
                  : "holder_epoch_stale";
            const plan = table.planAcquire(Uint8Array.of(step.who, 0), BigInt(step.epoch), now);
            expect(plan.kind).toBe(kind);
            kinds.add(kind);
            if (plan.kind === "grant") {
              lastId += 1;
              const fresh = {
                id: lastId,
                who: step.who,
                epoch: step.epoch,
                expires: now + step.ttl,
                superseded: false,
              };
              table.commit(table.project({ supersede: plan.supersedes, upsert: store(fresh) }, now));
              if (active !== undefined) active.superseded = true;
              list = [...live, fresh];
            }
          } else if (step.do === "renew") {
            const id = find(step.pick);
            const lease = list.find((one) => one.id === id);
            const plan = table.planRenew(BigInt(id), now);
            const kind =
              lease === undefined
                ? "unknown_lease"
                : lease.expires <= now
                  ? "expired"
                  : lease.superseded
                    ? "superseded"
                    : "renew";
            expect(plan.kind).toBe(kind);
            kinds.add(kind);
            if (plan.kind === "renew" && lease !== undefined) {
              lease.expires = now + 7;
              table.commit(table.project({ upsert: store(lease) }, now));
              list = live;
            }
          } else if (step.do === "release") {
            const id = find(step.pick);
            const known = table.planRelease(BigInt(id));
            expect(known !== undefined).toBe(list.some((one) => one.id === id));
            if (known !== undefined) {
              table.commit(table.project({ remove: known.leaseId }, now));
              list = live.filter((one) => one.id !== id);
            }
          }
          expect(table.records().map((one) => [Number(one.leaseId), one.superseded])).toEqual(
            list.map((one) => [one.id, one.superseded]),
          );
        }
      }),
      { numRuns: 500 },
    );
    expect([...kinds].sort()).toEqual(
      ["expired", "grant", "holder_epoch_stale", "idempotent", "renew", "superseded", "unknown_lease"].sort(),
    );
  });
});
