// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { epoch, MAX_TIMESTAMPS_PER_RPC, PHYSICAL_MS_MAX, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { Code } from "../src/status.ts";
import { Asked, BenchOracle } from "./support/bench-oracle.ts";
import { settle, until } from "./support/manual-time.ts";

/** With these, the first window is one second long and so is each extension. */
const SHORT = { windowAheadMs: 1_000, failoverAdvanceMs: 1_000 };

describe("window extension", () => {
  it("serves the first window from the floor that the fence persisted", async () => {
    const bench = await BenchOracle.serving(SHORT, { highWater: physicalMs(2_000_000) });
    // The stored high-water is ahead of the clock: the floor is one above it.
    expect(bench.driver.persist.calls).toEqual([[2_001_001, 1n]]);
    expect(bench.ask().grant).toMatchObject({ physicalMs: 2_000_001, logicalStart: 0, count: 1, epoch: 1n });
  });

  it("lets grants go on while a background extension is held by the store", async () => {
    const bench = await BenchOracle.serving(SHORT);
    const held = bench.driver.persist.hold();
    bench.clock.ms += 501;
    expect(bench.ask().grant?.physicalMs).toBe(1_000_501);
    await held.called;
    for (let ms = 502; ms <= 1_000; ms += 1) {
      bench.clock.ms = 1_000_000 + ms;
      expect(bench.ask().grant?.physicalMs).toBe(1_000_000 + ms);
    }
    // One persist of the fence and one of the extension: everybody else found it under way.
    expect(bench.driver.persist.calls).toHaveLength(2);
    held.release();
    await settle();
    bench.clock.ms = 1_001_400;
    expect(bench.ask().grant?.physicalMs).toBe(1_001_400);
  });

  it("does not extend while half of the window is left", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms += 500;
    bench.ask();
    await settle();
    expect(bench.driver.persist.calls).toHaveLength(1);
  });

  it("keeps an idle oracle's window open, so that the first request after a pause does not wait", async () => {
    const bench = await BenchOracle.serving(SHORT);
    for (let ms = 0; ms < 60_000; ms += 125) {
      bench.clock.ms += 125;
      bench.timers.advance(125);
      await settle();
    }
    const asked = bench.ask();
    expect(asked.grant?.physicalMs).toBe(1_060_000);
    // About one extension per half window, not one per look.
    expect(bench.driver.persist.calls.length).toBeLessThan(130);
  });

  it("makes requests wait only when the window is used up, and then for one extension together", async () => {
    const bench = await BenchOracle.serving(SHORT);
    const held = bench.driver.persist.hold();
    bench.clock.ms += 5_000;
    const asked = Array.from({ length: 50 }, () => bench.submit());
    bench.timers.endTurn();
    await held.called;
    const late = bench.submit();
    expect(asked.some(({ settled }) => settled)).toBe(false);
    held.release();
    await settle();
    bench.timers.endTurn();
    expect(asked.map(({ grant }) => grant?.logicalStart)).toEqual(asked.map((_, index) => index));
    expect(late.grant?.logicalStart).toBe(50);
    expect(bench.driver.persist.calls).toEqual([
      [1_001_000, 1n],
      [1_006_000, 1n],
    ]);
  });

  it("serves a request that waited although the clock ran past the new window meanwhile", async () => {
    const bench = await BenchOracle.serving(SHORT);
    const held = bench.driver.persist.hold();
    bench.clock.ms += 5_000;
    const asked = bench.ask();
    await held.called;
    bench.clock.ms += 60_000;
    held.release();
    await settle();
    bench.timers.endTurn();
    // At the reading with which it found the window used up; a fresh one would find it used up again.
    expect(asked.grant?.physicalMs).toBe(1_005_000);
  });

  it("looks again before it extends: a background extension that was under way has made room", async () => {
    const bench = await BenchOracle.serving(SHORT);
    const held = bench.driver.persist.hold();
    bench.clock.ms += 600;
    expect(bench.ask().grant).toBeDefined();
    await held.called;
    bench.clock.ms += 410;
    const waiting = bench.ask();
    expect(waiting.settled).toBe(false);
    held.release();
    await settle();
    bench.timers.endTurn();
    expect(waiting.grant?.physicalMs).toBe(1_001_010);
    expect(bench.driver.persist.calls).toHaveLength(2);
  });

  it("serves a whole millisecond's worth in one request even at the end of the window", async () => {
    const bench = await BenchOracle.serving({ windowAheadMs: 1, failoverAdvanceMs: 1 });
    const all: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const asked = bench.ask(MAX_TIMESTAMPS_PER_RPC);
      await until("an answer", () => {
        bench.timers.endTurn();
        return asked.settled;
      });
      expect(asked.error).toBeUndefined();
      all.push(asked.grant?.physicalMs ?? 0);
    }
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
  });

  it("answers UNAVAILABLE while the store is unavailable, and serves again when it is back", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms += 5_000;
    bench.driver.persist.fail("transient");
    const refused = bench.ask();
    await until("a refusal", () => refused.settled);
    expect(refused.error).toMatchObject({ code: Code.UNAVAILABLE, message: expect.stringMatching(/^persist: /) });
    expect(bench.oracle.core.state.current.kind).toBe("serving");
    const served = bench.ask();
    await settle();
    bench.timers.endTurn();
    expect(served.grant?.physicalMs).toBe(1_005_000);
  });

  it("retries a failed background extension with pauses and without a request noticing", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms += 600;
    for (let failure = 0; failure < 3; failure += 1) bench.driver.persist.fail("uncertain");
    for (let look = 0; look < 20; look += 1) {
      expect(bench.ask().grant).toBeDefined();
      await settle();
    }
    expect(bench.driver.persist.calls).toHaveLength(2);
    for (let ms = 0; ms < 1_000; ms += 125) {
      bench.timers.advance(125);
      await settle();
    }
    expect(bench.driver.persist.calls).toHaveLength(5);
    expect(bench.oracle.core.reign?.allocator.committedHighWater).toBe(1_001_600);
  });

  it.each(["permanent", "out_of_range", "closed"] as const)(
    "stops serving before it reports a store that failed with %s",
    async (code) => {
      const bench = await BenchOracle.serving(SHORT);
      bench.clock.ms += 5_000;
      bench.driver.persist.fail(code);
      const refused = bench.ask();
      await until("a stop", () => bench.stops.length > 0);
      expect(bench.stops[0]).toMatchObject({ code: "driver" });
      expect(bench.oracle.core.state.current.kind).toBe("not_serving");
      expect(refused.error).toMatchObject({
        code: code === "closed" ? Code.UNAVAILABLE : Code.INTERNAL,
        message: expect.stringMatching(/^persist: /),
      });
      expect(bench.ask().error?.leaderHint).toEqual(new Uint8Array());
    },
  );

  it.each(["not_leader", "fenced"] as const)("steps down when the store answers %s", async (code) => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms += 5_000;
    bench.driver.persist.fail(code, { currentEpoch: epoch(7n) });
    const refused = bench.ask();
    await until("a refusal", () => refused.settled);
    expect(refused.error?.leaderHint).toEqual(Uint8Array.from([0x12, 0x02, 0x10, 0x07]));
    expect(bench.oracle.core.state.current).toEqual({
      kind: "not_serving",
      leaderEndpoint: undefined,
      leaderEpoch: 7n,
    });
    expect(bench.stops).toEqual([]);
    expect(bench.count("tsoracle.not_leader.total")).toBe(1);
  });

  it("drops an extension that settles after the reign has ended, and never lets it into the next one", async () => {
    const bench = await BenchOracle.serving(SHORT);
    const held = bench.driver.persist.hold();
    bench.clock.ms += 5_000;
    const refused = bench.ask();
    await held.called;
    bench.driver.lead(2n, bench.tenure);
    await until("a refusal", () => refused.settled);
    await settle();
    // The next reign waits for the call of the last one to settle before it even loads.
    expect(bench.driver.load.calls).toHaveLength(1);
    held.release();
    await until("the next reign", () => bench.oracle.core.reign?.epoch === 2n);
    expect(bench.driver.load.calls).toHaveLength(2);
    expect(bench.count("tsoracle.window.extensions.ignored.not_leader.total")).toBe(1);
    expect(bench.oracle.core.reign?.allocator.nextPhysicalMs).toBe(1_006_001);
  });

  it("answers INTERNAL when an extension brought no room, and counts it", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.driver.persist.plan(async () => physicalMs(1_001_000));
    bench.clock.ms += 5_000;
    const refused = bench.ask();
    await settle();
    bench.timers.endTurn();
    expect(refused.error).toMatchObject({ code: Code.INTERNAL, message: "window exhausted" });
    expect(bench.count("tsoracle.window.extensions.ignored.not_advanced.total")).toBe(1);
  });

  it("refuses a persisted bound that is no bound at all, and stops", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.driver.persist.plan(async () => (2 ** 50) as never);
    bench.clock.ms += 5_000;
    bench.ask();
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]).toMatchObject({ code: "driver_contract" });
  });

  it("refuses a clock beyond 46 bits without asking the store", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms = PHYSICAL_MS_MAX + 1;
    expect(bench.ask().error?.code).toBe(Code.OUT_OF_RANGE);
    bench.clock.ms = PHYSICAL_MS_MAX - 10;
    const near = bench.ask();
    await settle();
    expect(near.error?.code).toBe(Code.OUT_OF_RANGE);
    expect(bench.driver.persist.calls).toHaveLength(1);
    // The clock comes back, and the cursor has not moved.
    bench.clock.ms = 1_000_001;
    expect(bench.ask().grant?.physicalMs).toBe(1_000_001);
  });

  it("never goes back when the clock does", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms = 1_000_300;
    expect(bench.ask().grant?.physicalMs).toBe(1_000_300);
    bench.clock.ms = 0;
    expect(bench.ask().grant).toMatchObject({ physicalMs: 1_000_300, logicalStart: 1 });
  });

  it("refuses a request beyond the limit of waiting ones and keeps the others", async () => {
    const bench = await BenchOracle.serving({ limits: { maxPendingGrants: 2 } });
    const asked = [bench.submit(), bench.submit(), bench.submit()];
    bench.timers.endTurn();
    expect(asked.map(({ grant }) => grant?.logicalStart)).toEqual([0, 1, undefined]);
    expect(asked[2]?.error?.code).toBe(Code.RESOURCE_EXHAUSTED);
  });

  it("drops requests of clients that have gone, without using up timestamps", async () => {
    const bench = await BenchOracle.serving();
    const gone = new Asked();
    bench.oracle.desk.submit(5, gone);
    const stays = bench.submit();
    gone.abandoned = true;
    bench.timers.endTurn();
    expect(gone.settled).toBe(false);
    expect(stays.grant?.logicalStart).toBe(0);
  });

  it("answers the others when the transport of one is broken", async () => {
    const bench = await BenchOracle.serving();
    bench.oracle.desk.submit(1, {
      granted: () => {
        throw new Error("broken pipe");
      },
      refused: () => undefined,
      abandoned: false,
    });
    expect(bench.ask().grant?.logicalStart).toBe(1);
  });

  it("refuses a count above one millisecond's worth without touching its neighbours", async () => {
    const bench = await BenchOracle.serving();
    const before = bench.submit(2);
    const over = bench.submit(MAX_TIMESTAMPS_PER_RPC + 1);
    const after = bench.submit(2);
    bench.timers.endTurn();
    expect(over.error).toMatchObject({ code: Code.INVALID_ARGUMENT, message: expect.stringContaining("262144") });
    expect([before.grant?.logicalStart, after.grant?.logicalStart]).toEqual([0, 2]);
  });

  it("treats an error that the driver did not classify as permanent", async () => {
    const bench = await BenchOracle.serving(SHORT);
    bench.clock.ms += 5_000;
    bench.driver.persist.plan(() => Promise.reject(new TypeError("boom")));
    bench.ask();
    await until("a stop", () => bench.stops.length > 0);
    expect(bench.stops[0]?.cause).toBeInstanceOf(ConsensusError);
  });
});
