// SPDX-License-Identifier: Apache-2.0
import { LeaseClock } from "@tsoracle/consensus";
import { physicalMs } from "@tsoracle/core";
import { FaultProxy, runSql, usePostgres, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRole, leads, openNode } from "./node.ts";
import { prepareOracle, SCHEMA, TENURE_MS } from "./oracle.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const database = (): string => postgres().url;

/** The clocks of this machine, with a wall clock that the test can step. */
class SteppedClocks {
  stepMs = 0;
  readonly clock: LeaseClock = new LeaseClock({
    monotonicNs: () => process.hrtime.bigint(),
    bootMs: () => performance.now(),
    wallMs: () => performance.now() + this.stepMs,
  });
}

/** Lets nothing else of this process run. */
function keepBusy(forMs: number): void {
  const began = performance.now();
  while (performance.now() - began < forMs);
}

describe("tenure of the Postgres driver", () => {
  it("outlasts half of itself without the event loop, in the same reign", async () => {
    // Long enough that a slow machine adds little to the half.
    const tenureMs = 3 * TENURE_MS;
    await prepareOracle(database(), "nap", { tenureMs });
    await using driver = await openNode(database(), "nap", { tenureMs });
    const { tenure, epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(1), epoch);
    keepBusy(tenureMs / 2);
    expect(tenure?.valid()).toBe(true);
    expect(await driver.persistHighWater(physicalMs(2), epoch)).toBe(2);
  });

  it("ends while the event loop is busy, and is seen to have ended in the turn after", async () => {
    await prepareOracle(database(), "busy");
    await using driver = await openNode(database(), "busy");
    const { tenure } = await leads(driver);
    expect(tenure?.valid()).toBe(true);
    keepBusy(2 * TENURE_MS);
    expect(tenure?.valid()).toBe(false);
    // It goes on in this reign or, if the server has ended the idle session, in another.
    await waitUntil("a tenure that holds", async () => (await leads(driver)).tenure?.valid());
  });

  it("is not confirmed after a busy event loop that another reign made use of", async () => {
    await prepareOracle(database(), "overslept", { freshness: "confirm" });
    await using driver = await openNode(database(), "overslept", { freshness: "confirm" });
    const { tenure, epoch } = await leads(driver);
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET epoch_lo = epoch_lo + 1 WHERE name = 'overslept'`);
    keepBusy(2 * TENURE_MS);
    // A question in the very turn after: nothing that came in meanwhile has been read.
    const newest = await tenure?.confirm?.().catch(() => false);
    expect(newest).toBe(false);
    expect((await leads(driver, epoch)).epoch > epoch + 1n).toBe(true);
  });

  it("ends early when the wall clock is stepped forward, until the next renewal, and not when it is stepped back", async () => {
    await prepareOracle(database(), "stepped");
    const clocks = new SteppedClocks();
    await using driver = await openNode(database(), "stepped", {}, { clock: clocks.clock });
    const { tenure, epoch } = await leads(driver);
    expect(tenure?.valid()).toBe(true);
    clocks.stepMs = 3_600_000;
    expect(tenure?.valid()).toBe(false);
    await waitUntil("a renewal by the stepped clock", () => tenure?.valid());
    clocks.stepMs = -3_600_000;
    expect(tenure?.valid()).toBe(true);
    expect(await driver.persistHighWater(physicalMs(1), epoch)).toBe(1);
  });

  it("counts from before a renewal was sent, however late its answer comes", async () => {
    await prepareOracle(database(), "late");
    const clocks = new SteppedClocks();
    await using proxy = await FaultProxy.open(postgres());
    const options = { url: asRole(proxy.url(database())) };
    await using driver = await openNode(database(), "late", options, { clock: clocks.clock });
    const { tenure, epoch } = await leads(driver);
    await driver.loadHighWater();
    proxy.set({ down: "hold" });
    const persisted = driver.persistHighWater(physicalMs(1_000), epoch);
    await waitUntil("the write in the store", async () => {
      const [row] = await runSql(database(), `SELECT high_water FROM ${SCHEMA}.oracle WHERE name = 'late'`);
      return row?.["high_water"] === "1000";
    });
    clocks.stepMs = 3_600_000;
    proxy.set({ down: "pass" });
    expect(await persisted).toBe(1_000);
    expect(tenure?.valid()).toBe(false);
    await waitUntil("a renewal that was sent since", () => tenure?.valid());
  });

  it("is confirmed by a round that begins after the question, one for all who ask together", async () => {
    await prepareOracle(database(), "asked", { freshness: "confirm" });
    await using driver = await openNode(database(), "asked", { freshness: "confirm" });
    const { tenure } = await leads(driver);
    const ask = (): Promise<boolean> | undefined => tenure?.confirm?.();
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([true, true, true]);
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET epoch_lo = epoch_lo + 1 WHERE name = 'asked'`);
    expect(await ask()).toBe(false);
    expect(tenure?.valid()).toBe(false);
    expect(await ask()).toBe(false);
  });

  it("is not confirmed by a round that had begun before the question", async () => {
    await prepareOracle(database(), "joined", { freshness: "confirm" });
    await using proxy = await FaultProxy.open(postgres());
    const options = { url: asRole(proxy.url(database())), freshness: "confirm" } as const;
    await using driver = await openNode(database(), "joined", options);
    const { tenure } = await leads(driver);
    proxy.set({ down: "hold" });
    const early = tenure?.confirm?.();
    await waitUntil("the first round to be over in the store", async () => {
      const [row] = await runSql(
        database(),
        `SELECT FROM pg_stat_activity
          WHERE application_name = 'tso/joined' AND state = 'idle' AND query LIKE 'SELECT 1 FROM%'`,
      );
      return row !== undefined;
    });
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET epoch_lo = epoch_lo + 1 WHERE name = 'joined'`);
    const late = tenure?.confirm?.();
    proxy.set({ down: "pass" });
    expect(await early).toBe(true);
    expect(await late).toBe(false);
  });
});
