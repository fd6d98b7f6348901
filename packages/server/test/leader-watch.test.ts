// SPDX-License-Identifier: Apache-2.0
import { epoch, PHYSICAL_MS_MAX, peerEndpoint, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Code } from "../src/status.ts";
import { BenchOracle } from "./support/bench-oracle.ts";
import { settle, until } from "./support/manual-time.ts";

describe("leader watch", () => {
  it("refuses until it is leader and fenced in", async () => {
    const bench = new BenchOracle();
    expect(bench.ask().error?.leaderHint).toEqual(new Uint8Array());
    bench.oracle.start();
    const held = bench.driver.persist.hold();
    bench.driver.lead(1n, bench.tenure);
    await held.called;
    expect(bench.ask().error?.code).toBe(Code.FAILED_PRECONDITION);
    held.release();
    await until("serving", () => bench.oracle.core.reign !== undefined);
    expect(bench.ask().grant).toBeDefined();
  });

  it("goes leader, follower, leader, each reign above the last", async () => {
    const bench = await BenchOracle.serving({ windowAheadMs: 1_000 });
    const first = bench.ask().grant;
    bench.driver.tell({ role: "follower", leaderEndpoint: peerEndpoint("b:2"), leaderEpoch: epoch(2n) });
    await until("following", () => bench.oracle.core.reign === undefined);
    expect(bench.oracle.core.state.current).toEqual({ kind: "not_serving", leaderEndpoint: "b:2", leaderEpoch: 2n });
    expect(Buffer.from(bench.ask().error?.leaderHint ?? []).toString("hex")).toBe("0a03623a3212021002");
    await bench.lead(3n);
    const second = bench.ask().grant;
    expect(second?.physicalMs).toBeGreaterThan(first?.physicalMs ?? Number.POSITIVE_INFINITY);
    // Above the whole first window, not just above what was handed out of it.
    expect(second?.physicalMs).toBe(1_001_001);
    expect(bench.count("tsoracle.leader_transition.total")).toBe(4);
  });

  it("lets a newer item win over a fence that is under way", async () => {
    const bench = new BenchOracle();
    bench.oracle.start();
    const held = bench.driver.persist.hold();
    bench.driver.lead(1n, bench.tenure);
    await held.called;
    bench.driver.tell({ role: "follower", leaderEndpoint: peerEndpoint("c:3"), leaderEpoch: epoch(2n) });
    await until(
      "the hint",
      () =>
        bench.oracle.core.state.current.kind === "not_serving" &&
        "leaderEndpoint" in bench.oracle.core.state.current &&
        bench.oracle.core.state.current.leaderEndpoint !== undefined,
    );
    held.release();
    await settle();
    expect(bench.oracle.core.reign).toBeUndefined();
    expect(bench.ask().error?.leaderHint?.length).toBeGreaterThan(0);
  });

  it("retries what is transient, with growing pauses and without end", async () => {
    const bench = new BenchOracle();
    bench.oracle.start();
    for (let failure = 0; failure < 12; failure += 1) bench.driver.load.fail("transient");
    bench.driver.lead(1n, bench.tenure);
    for (const pause of [25, 50, 100, 200, 250, 250, 250, 250, 250, 250, 250, 250]) {
      await settle();
      const loads = bench.driver.load.calls.length;
      bench.timers.advance(pause - 1);
      await settle();
      expect(bench.driver.load.calls).toHaveLength(loads);
      bench.timers.advance(1);
    }
    await until("serving", () => bench.oracle.core.reign !== undefined);
    expect(bench.count("tsoracle.leader_transition.fence_transient_retries.total")).toBe(12);
  });

  it.each([
    ["permanent", "driver"],
    ["out_of_range", "driver"],
    ["closed", "driver"],
  ] as const)("ends, not serving, when the fence fails with %s", async (code, fault) => {
    const bench = new BenchOracle();
    bench.oracle.start();
    bench.driver.persist.fail(code);
    bench.driver.lead(1n, bench.tenure);
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops).toMatchObject([{ code: fault }]);
    expect(bench.oracle.core.state.current.kind).toBe("not_serving");
  });

  it("stays not serving when the fence is fenced, and takes up the next reign", async () => {
    const bench = new BenchOracle();
    bench.oracle.start();
    bench.driver.persist.fail("fenced", { currentEpoch: epoch(2n) });
    bench.driver.lead(1n, bench.tenure);
    await until(
      "the epoch",
      () =>
        bench.oracle.core.state.current.kind === "not_serving" &&
        (bench.oracle.core.state.current as { leaderEpoch?: bigint }).leaderEpoch === 2n,
    );
    await bench.lead(3n);
    expect(bench.ask().grant?.epoch).toBe(3n);
  });

  it("stops serving, then reports, when the leadership stream ends", async () => {
    const bench = await BenchOracle.serving();
    bench.driver.cell.close();
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops).toMatchObject([{ code: "leadership_stream_ended" }]);
    expect(bench.ask().error?.code).toBe(Code.FAILED_PRECONDITION);
  });

  it("stops serving, then reports, when the leadership stream fails", async () => {
    const bench = await BenchOracle.serving();
    bench.driver.cell.close(new Error("lost the store"));
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]).toMatchObject({ code: "driver", message: expect.stringContaining("lost the store") });
  });

  it("ends when the store's high-water leaves no room below 46 bits", async () => {
    const bench = new BenchOracle({}, { highWater: physicalMs(PHYSICAL_MS_MAX) });
    bench.oracle.start();
    bench.driver.lead(1n, bench.tenure);
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]).toMatchObject({ code: "out_of_range" });
    expect(bench.driver.persist.calls).toHaveLength(0);
  });

  it("ends when the driver persists less than it was asked to", async () => {
    const bench = new BenchOracle();
    bench.oracle.start();
    bench.driver.persist.plan(async (atLeast) => physicalMs(atLeast - 1));
    bench.driver.lead(1n, bench.tenure);
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]).toMatchObject({ code: "driver_contract" });
  });

  it("ends when the driver loads something that is no high-water", async () => {
    const bench = new BenchOracle();
    bench.oracle.start();
    bench.driver.load.plan(async () => Number.NaN as never);
    bench.driver.lead(1n, bench.tenure);
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]).toMatchObject({ code: "driver_contract" });
  });

  it("stops serving when something that listens has a defect", async () => {
    const bench = await BenchOracle.serving();
    bench.oracle.core.state.onChange(() => {
      throw new Error("a listener broke");
    });
    bench.driver.tell({ role: "unknown" });
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]).toMatchObject({ code: "internal" });
    expect(bench.oracle.core.reign).toBeUndefined();
    expect(bench.oracle.core.state.current.kind).toBe("not_serving");
  });

  it("has ended the reign before anybody hears of it", async () => {
    const bench = await BenchOracle.serving();
    const { reign } = bench.oracle.core;
    let seen: unknown;
    bench.oracle.core.state.onChange((state) => {
      seen ??= {
        state: state.kind,
        ended: reign?.ended,
        leader: reign?.allocator.isLeader,
        served: bench.oracle.core.reign,
      };
    });
    bench.driver.tell({ role: "unknown" });
    await until("a change", () => seen !== undefined);
    expect(seen).toEqual({ state: "not_serving", ended: true, leader: false, served: undefined });
  });

  it("seeds a new reign with the leases of the store and not with those that have run out", async () => {
    const bench = new BenchOracle();
    const record = (leaseId: bigint, expiresAtMs: bigint) => ({
      leaseId,
      holder: Uint8Array.of(1),
      holderEpoch: 1n,
      ttlMs: 5_000n,
      tsUpperBound: leaseId,
      expiresAtMs,
      superseded: false,
    });
    bench.driver.storedLeases = [record(5n, 999_999n), record(6n, 1_000_001n)];
    bench.oracle.start();
    await bench.lead(1n);
    expect(bench.oracle.core.reign?.leases.records().map(({ leaseId }) => leaseId)).toEqual([6n]);
  });

  it("stops at once when asked to, and says so once", async () => {
    const bench = await BenchOracle.serving();
    bench.oracle.watch.stop();
    expect(bench.oracle.core.state.current.kind).toBe("not_serving");
    bench.oracle.watch.stop();
    bench.oracle.watch.failed(new Error("too late"));
    expect(bench.stops).toEqual([undefined]);
    await bench.oracle.watch.close();
  });
});
