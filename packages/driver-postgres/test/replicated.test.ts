// SPDX-License-Identifier: Apache-2.0
import { parseSeqKey, physicalMs } from "@tsoracle/core";
import { type PostgresPair, type PostgresServer, runSql, startPostgresPair, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fastForwardOracle, postgresCapabilitiesOf } from "../src/index.ts";
import { asRole, leads, leadsNoMore, NodeLog, openNode } from "./node.ts";
import { prepareOracle, SCHEMA } from "./oracle.ts";

/** Long enough to find a commit that waits, and to cancel it. */
const TENURE_MS = 3_000;
const OP_TIMEOUT_MS = 1_500;
const terms = { tenureMs: TENURE_MS, opTimeoutMs: OP_TIMEOUT_MS, durability: "replicated" } as const;

async function highWater(server: PostgresServer, oracle: string): Promise<number> {
  const [row] = await runSql(server.url, `SELECT high_water FROM ${SCHEMA}.oracle WHERE name = '${oracle}'`);
  return Number(row?.["high_water"]);
}

/** The process whose commit waits for the standby while it runs a statement that holds these words. */
async function waiting(primary: PostgresServer, words: string): Promise<number> {
  return await waitUntil(
    "a commit that waits for the standby",
    async () => {
      const [row] = await runSql(
        primary.url,
        `SELECT pid FROM pg_stat_activity
          WHERE wait_event = 'SyncRep' AND query LIKE '%${words}%' AND pid <> pg_backend_pid()`,
      );
      return row === undefined ? undefined : Number(row["pid"]);
    },
    { everyMs: 1 },
  );
}

const cancel = (primary: PostgresServer, pid: number) => runSql(primary.url, `SELECT pg_cancel_backend(${pid})`);

describe('a node with durability "replicated" and a synchronous standby', () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    pair = await startPostgresPair();
    await prepareOracle(pair.primary.url, "main", { tenureMs: TENURE_MS });
    await prepareOracle(pair.primary.url, "asked", { tenureMs: TENURE_MS, freshness: "confirm" });
    // With the short tenure of the other tests.
    await prepareOracle(pair.primary.url, "brief");
    await pair.setSynchronous(true);
  }, 240_000);
  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
  });

  it("serves, and what it acknowledges is on both servers", async () => {
    await using driver = await openNode(pair.primary.url, "main", terms);
    expect(driver.capabilities).toBe(postgresCapabilitiesOf("replicated", "lease"));
    const { epoch } = await leads(driver);
    expect(await driver.persistHighWater(physicalMs(1_000), epoch)).toBe(1_000);
    const [row] = await runSql(
      pair.primary.url,
      "SELECT bool_and(flush_lsn >= pg_current_wal_flush_lsn()) AS flushed FROM pg_stat_replication",
    );
    expect(row?.["flushed"]).toBe(true);
    const key = parseSeqKey("orders");
    if (!key.ok) throw new Error("a valid key");
    expect(await driver.sequences.advance([{ key: key.key, count: 3 }], epoch)).toEqual([0n]);
    await driver.leases.replace([], epoch);
    await waitUntil("the standby to show it", async () => (await highWater(pair.standby, "main")) === 1_000);
  });

  it("takes a commit that the standby does not confirm in time for uncertain, and goes on when it is back", async () => {
    await using driver = await openNode(pair.primary.url, "main", terms);
    const { epoch, tenure } = await leads(driver);
    await pair.standby.pause();
    const refused = await driver.persistHighWater(physicalMs(2_000), epoch).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "uncertain", message: expect.stringContaining("no answer within 1500 ms") });
    await leadsNoMore(driver);
    expect(tenure?.valid()).toBe(false);
    await pair.standby.resume();
    const next = await leads(driver, epoch);
    expect([1_000, 2_000]).toContain(await driver.loadHighWater());
    expect(await driver.persistHighWater(physicalMs(3_000), next.epoch)).toBe(3_000);
  });

  it("takes a commit whose wait for the standby was cancelled for uncertain, although the server says done", async () => {
    await using driver = await openNode(pair.primary.url, "main", terms);
    const { epoch } = await leads(driver);
    await pair.standby.pause();
    try {
      const persisted = driver.persistHighWater(physicalMs(4_000), epoch).catch((error: Error) => error);
      await cancel(pair.primary, await waiting(pair.primary, "GREATEST(high_water"));
      expect(await persisted).toMatchObject({
        code: "uncertain",
        message: expect.stringMatching(/canceling wait for synchronous replication.*\[WARNING\]/),
      });
      // It is there, on the primary alone: what a success would have hidden.
      expect(await highWater(pair.primary, "main")).toBe(4_000);
    } finally {
      await pair.standby.resume();
    }
    const next = await leads(driver, epoch);
    expect(await driver.loadHighWater()).toBe(4_000);
    expect(await driver.persistHighWater(physicalMs(5_000), next.epoch)).toBe(5_000);
  });

  it("confirms leadership by a write, which a primary without its standby cannot complete", async () => {
    await using driver = await openNode(pair.primary.url, "asked", { ...terms, freshness: "confirm" });
    const { epoch, tenure } = await leads(driver);
    expect(await tenure?.confirm?.()).toBe(true);
    await pair.standby.pause();
    const asked = tenure?.confirm?.().then(
      (newest) => newest,
      () => "unknown",
    );
    expect([false, "unknown"]).toContain(await asked);
    await pair.standby.resume();
    const next = await leads(driver, epoch);
    expect(await next.tenure?.confirm?.()).toBe(true);
  });

  it("tells an operator that a repair is on one server only", async () => {
    await pair.standby.pause();
    try {
      const forwarded = fastForwardOracle({ url: pair.primary.url, oracle: "main", atLeastMs: 6_000 }).catch(
        (error: Error) => error,
      );
      await cancel(pair.primary, await waiting(pair.primary, "restore_gen"));
      expect(await forwarded).toMatchObject({
        code: "uncertain",
        message: expect.stringMatching(/see to its standby/),
      });
    } finally {
      await pair.standby.resume();
    }
  });

  it("stops when replication is turned off in mid-reign, and comes back with it", async () => {
    const log = new NodeLog();
    await using driver = await openNode(pair.primary.url, "brief", { durability: "replicated", log });
    const { epoch } = await leads(driver);
    await pair.setSynchronous(false);
    expect(await log.line(/NOT_REPLICATED.*synchronous_standby_names is empty by now/)).toMatch(/^error/);
    await leadsNoMore(driver);
    await expect(driver.persistHighWater(physicalMs(7_000), epoch)).rejects.toMatchObject({ code: "not_leader" });
    await pair.setSynchronous(true);
    await leads(driver, epoch);
  });

  it("loses nothing that was acknowledged when the standby takes over", async () => {
    const url = [asRole(pair.primary.url), asRole(pair.standby.url)];
    await using driver = await openNode(pair.primary.url, "brief", { url });
    const { epoch } = await leads(driver);
    const acknowledged: number[] = [];
    for (let value = 10_000; value < 10_100; value += 1) {
      acknowledged.push(await driver.persistHighWater(physicalMs(value), epoch));
    }
    await pair.primary.kill();
    await pair.promote();
    expect(await highWater(pair.standby, "brief")).toBe(acknowledged.at(-1));
    const forwarded = await fastForwardOracle({ url: pair.standby.url, oracle: "brief", atLeastMs: 0 });
    expect(forwarded.highWater).toBe(acknowledged.at(-1));
    const next = await leads(driver, epoch);
    expect(next.epoch > forwarded.epoch).toBe(true);
    expect(await driver.loadHighWater()).toBe(acknowledged.at(-1));
  });
});
