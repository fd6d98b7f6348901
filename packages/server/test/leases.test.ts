// SPDX-License-Identifier: Apache-2.0
import { epoch, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Code, type RpcError } from "../src/status.ts";
import { BenchOracle } from "./support/bench-oracle.ts";
import { until } from "./support/manual-time.ts";

const TTL = 10_000n;

const acquire = (bench: BenchOracle, holder = "h", holderEpoch = 1n, ttlMs = TTL) =>
  bench.oracle.leases.acquire({ holder: Buffer.from(holder), holderEpoch, ttlMs });
const renew = (bench: BenchOracle, leaseId: bigint) => bench.oracle.leases.renew({ leaseId });

async function refusal(work: Promise<unknown>): Promise<RpcError> {
  return work.then(
    () => expect.fail("it was not refused"),
    (error: RpcError) => error,
  );
}

describe("leases", () => {
  it("grants a lease whose bound is durable before the lease is, and names it by that bound", async () => {
    const bench = await BenchOracle.serving();
    const lease = await acquire(bench);
    expect(lease).toEqual({
      leaseId: 1_010_000n,
      tsUpperBound: 1_010_000n,
      expiresAtMs: 1_010_000n,
      epoch: { hi: 0n, lo: 1n },
    });
    expect(bench.driver.highWater).toBe(1_010_000);
    expect(bench.driver.storedLeases).toMatchObject([{ leaseId: 1_010_000n, ttlMs: TTL, superseded: false }]);
  });

  it("answers a repeated acquisition with the same lease and writes nothing", async () => {
    const bench = await BenchOracle.serving();
    const lease = await acquire(bench);
    const writes = bench.driver.replaceLeases.calls.length;
    expect(await acquire(bench)).toEqual(lease);
    expect(bench.driver.replaceLeases.calls).toHaveLength(writes);
    expect(bench.count("tsoracle.lease.acquire.success.total")).toBe(2);
  });

  it("never gives two leases one id, and raises the high-water by no more than a lease needs", async () => {
    const bench = await BenchOracle.serving();
    const ids = new Set<bigint>();
    for (let index = 0; index < 50; index += 1) ids.add((await acquire(bench, `h${index}`)).leaseId);
    expect(ids.size).toBe(50);
    // The reference would stand at 50 times the TTL.
    expect(bench.driver.highWater).toBe(1_010_049);
  });

  it("refuses a lease beyond the limit before anything is written, and grants one when another has gone", async () => {
    const bench = await BenchOracle.serving({ limits: { maxLeases: 2 } });
    const first = await acquire(bench, "a");
    await acquire(bench, "b");
    const { highWater } = bench.driver;
    const writes = bench.driver.replaceLeases.calls.length;
    expect(await refusal(acquire(bench, "c"))).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      message: expect.stringContaining("2 leases are live"),
    });
    // A takeover needs a place of its own: the superseded lease counts until it expires.
    expect((await refusal(acquire(bench, "b", 2n))).code).toBe(Code.RESOURCE_EXHAUSTED);
    expect([bench.driver.highWater, bench.driver.replaceLeases.calls.length]).toEqual([highWater, writes]);
    expect(await acquire(bench, "a")).toMatchObject({ leaseId: first.leaseId });
    await bench.oracle.leases.release({ leaseId: first.leaseId });
    await acquire(bench, "c");
    bench.clock.ms += 10_001;
    await acquire(bench, "d");
  });

  it("renews under the same id, and without moving a high-water that reaches far enough", async () => {
    const bench = await BenchOracle.serving();
    const long = await acquire(bench, "long", 1n, 60_000n);
    const lease = await acquire(bench, "short");
    const persisted = bench.driver.persist.calls.length;
    bench.clock.ms += 5_000;
    expect(await renew(bench, lease.leaseId)).toMatchObject({ tsUpperBound: lease.leaseId, expiresAtMs: 1_015_000n });
    expect(bench.driver.persist.calls).toHaveLength(persisted);
    bench.clock.ms += 1_000;
    expect(await renew(bench, long.leaseId)).toMatchObject({ tsUpperBound: 1_066_000n, expiresAtMs: 1_066_000n });
    expect(bench.driver.storedLeases.map(({ leaseId }) => leaseId)).toEqual([long.leaseId, lease.leaseId]);
  });

  it("lets a newer epoch of a holder supersede the older, and refuses the older from then on", async () => {
    const bench = await BenchOracle.serving();
    const old = await acquire(bench, "h", 1n);
    const young = await acquire(bench, "h", 2n);
    expect(young.leaseId).not.toBe(old.leaseId);
    for (const work of [renew(bench, old.leaseId), acquire(bench, "h", 1n)]) {
      const error = await refusal(work);
      expect(error.code).toBe(Code.FAILED_PRECONDITION);
      expect(error.leaderHint).toBeUndefined();
    }
    // The older one still holds the frontier back until it expires.
    expect(bench.driver.storedLeases.map(({ superseded }) => superseded)).toEqual([true, false]);
  });

  it("tells an expired lease from one it does not know", async () => {
    const bench = await BenchOracle.serving();
    const lease = await acquire(bench);
    bench.clock.ms = 1_010_000;
    expect((await refusal(renew(bench, lease.leaseId))).code).toBe(Code.FAILED_PRECONDITION);
    expect((await refusal(renew(bench, 1n))).code).toBe(Code.NOT_FOUND);
  });

  it("releases a lease, and an unknown one without effect", async () => {
    const bench = await BenchOracle.serving();
    const { leaseId } = await acquire(bench);
    expect(await bench.oracle.leases.release({ leaseId })).toEqual({});
    expect(bench.driver.storedLeases).toEqual([]);
    const writes = bench.driver.replaceLeases.calls.length;
    expect(await bench.oracle.leases.release({ leaseId })).toEqual({});
    expect(bench.driver.replaceLeases.calls).toHaveLength(writes);
  });

  it.each([
    ["an empty holder", "", TTL, /between 1 and 128 bytes/],
    ["a holder of 129 bytes", "x".repeat(129), TTL, /between 1 and 128 bytes, got 129/],
    ["a TTL below the floor", "h", 4_999n, /between 5000 and 300000/],
    ["a TTL above the ceiling", "h", 300_001n, /between 5000 and 300000/],
  ])("refuses %s and writes nothing", async (_what, holder, ttl, message) => {
    const bench = await BenchOracle.serving();
    const error = await refusal(acquire(bench, holder, 1n, ttl));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(error.message).toMatch(message);
    expect(bench.driver.persist.calls).toHaveLength(1);
    expect(bench.driver.replaceLeases.calls).toHaveLength(0);
  });

  it("refuses what the driver does not offer before the high-water moves", async () => {
    const bench = await BenchOracle.serving({}, { features: { leases: false } });
    const work = [acquire(bench), renew(bench, 1n), bench.oracle.leases.release({ leaseId: 1n })];
    for (const refused of work) expect((await refusal(refused)).code).toBe(Code.UNIMPLEMENTED);
    expect(bench.driver.persist.calls).toHaveLength(1);
  });

  it("refuses what the store has not activated before the high-water moves, until it has", async () => {
    const bench = await BenchOracle.serving();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      bench.driver.replaceLeases.fail("leases_not_activated");
      const error = await refusal(acquire(bench));
      expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, leaderHint: undefined });
      expect(error.message).toContain("lease format not yet activated");
    }
    expect(bench.driver.persist.calls).toHaveLength(1);
    expect(await acquire(bench)).toMatchObject({ leaseId: 1_010_000n });
  });

  it.each(["not_leader", "fenced"] as const)("steps down when a lease write is answered %s", async (code) => {
    const bench = await BenchOracle.serving();
    bench.driver.replaceLeases.fail(code, { currentEpoch: epoch(2n) });
    const error = await refusal(acquire(bench));
    expect(Buffer.from(error.leaderHint ?? []).toString("hex")).toBe("12021002");
    expect(bench.oracle.core.state.current).toMatchObject({ kind: "not_serving", leaderEpoch: 2n });
  });

  it("stops the server when the store needs a person, as the grant path does", async () => {
    const bench = await BenchOracle.serving();
    bench.driver.replaceLeases.fail("permanent");
    expect(await refusal(acquire(bench))).toMatchObject({ code: Code.INTERNAL, leaderHint: undefined });
    expect(bench.oracle.core.state.current.kind).toBe("not_serving");
    expect(bench.stops).toMatchObject([{ code: "driver" }]);
  });

  it("answers UNAVAILABLE when the store is, keeps the old set, and grants a fresh lease afterwards", async () => {
    const bench = await BenchOracle.serving();
    await acquire(bench, "first");
    bench.driver.replaceLeases.fail("uncertain");
    const error = await refusal(acquire(bench, "second"));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, message: expect.stringMatching(/^persist leases: /) });
    const again = await acquire(bench, "second");
    expect(again.leaseId).toBe(1_010_002n);
    expect(bench.driver.storedLeases).toHaveLength(2);
  });

  it("does not take over a set that was stored for a reign that has ended", async () => {
    const bench = await BenchOracle.serving();
    await acquire(bench, "first");
    const held = bench.driver.replaceLeases.hold();
    const asked = acquire(bench, "second");
    await held.called;
    bench.driver.lead(2n, bench.tenure);
    await until("the end of the reign", () => bench.oracle.core.reign === undefined);
    held.release();
    expect((await refusal(asked)).leaderHint).toEqual(new Uint8Array());
    // The fence waited for the write, so the next reign has loaded it.
    await until("the next reign", () => bench.oracle.core.reign?.epoch === 2n);
    expect(bench.oracle.core.reign?.leases.records()).toHaveLength(2);
  });

  it("answers nothing from memory once the tenure has ended", async () => {
    const bench = await BenchOracle.serving();
    await acquire(bench);
    bench.tenure.isValid = false;
    for (const work of [
      acquire(bench),
      acquire(bench, "h", 0n),
      renew(bench, 7n),
      bench.oracle.leases.release({ leaseId: 7n }),
    ]) {
      expect((await refusal(work)).leaderHint).toEqual(new Uint8Array());
    }
  });

  it("answers NOT_LEADER while it does not serve", async () => {
    const bench = new BenchOracle();
    for (const work of [acquire(bench, ""), renew(bench, 1n), bench.oracle.leases.release({ leaseId: 1n })]) {
      expect((await refusal(work)).leaderHint).toEqual(new Uint8Array());
    }
  });

  it("changes the set one call at a time", async () => {
    const bench = await BenchOracle.serving();
    await acquire(bench, "warm");
    const held = bench.driver.replaceLeases.hold();
    const both = [acquire(bench, "a"), acquire(bench, "b")];
    await held.called;
    const writes = bench.driver.replaceLeases.calls.length;
    held.release();
    await Promise.all(both);
    expect(bench.driver.replaceLeases.calls).toHaveLength(writes + 1);
    expect(bench.driver.storedLeases).toHaveLength(3);
  });
});

describe("safe points", () => {
  it("answers zero when it does not serve", () => {
    const { safePoints } = new BenchOracle().oracle;
    expect(safePoints.getCurrentMaxSafe()).toEqual({ maxSafePhysicalMs: 0n, epochHi: 0n, epochLo: 0n });
    expect(safePoints.getSafeFrontier()).toEqual({ frontierPhysicalMs: 0n, epochHi: 0n, epochLo: 0n });
  });

  it("answers the reference's value where that is closed", async () => {
    const bench = await BenchOracle.serving({ windowAheadMs: 1_000 });
    expect(bench.oracle.safePoints.getCurrentMaxSafe().maxSafePhysicalMs).toBe(999_999n);
  });

  it("never names a time at which a timestamp is still to be issued, whatever raised the high-water", async () => {
    const bench = await BenchOracle.serving({ windowAheadMs: 1_000 });
    await acquire(bench, "h", 1n, 100_000n);
    for (let step = 0; step < 50; step += 1) {
      bench.clock.ms += (step * 37) % 90;
      const { maxSafePhysicalMs } = bench.oracle.safePoints.getCurrentMaxSafe();
      const { frontierPhysicalMs } = bench.oracle.safePoints.getSafeFrontier();
      const { grant } = bench.ask();
      expect(BigInt(grant?.physicalMs ?? 0)).toBeGreaterThan(maxSafePhysicalMs);
      expect(BigInt(grant?.physicalMs ?? 0)).toBeGreaterThan(frontierPhysicalMs);
    }
  });

  it("lets the oldest lease hold the frontier back, until it has expired", async () => {
    const bench = await BenchOracle.serving({ windowAheadMs: 1_000 });
    const { tsUpperBound } = await acquire(bench);
    // A reign that starts far ahead of the clock: everything below its floor is closed, the lease is still alive.
    bench.driver.highWater = physicalMs(2_000_000);
    await bench.lead(2n);
    expect(bench.oracle.safePoints.getSafeFrontier()).toMatchObject({ frontierPhysicalMs: tsUpperBound, epochLo: 2n });
    bench.clock.ms = 1_010_000;
    expect(bench.oracle.safePoints.getSafeFrontier().frontierPhysicalMs).toBe(2_000_000n);
  });
});
