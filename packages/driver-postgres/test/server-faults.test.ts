// SPDX-License-Identifier: Apache-2.0
import { parseSeqKey, physicalMs } from "@tsoracle/core";
import { runSql, startPostgres, usePostgres, waitUntil } from "@tsoracle/test-services";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { oracleIdentity } from "../src/oracle-name.ts";
import { statementsFor } from "../src/statements.ts";
import { asRole, leads, leadsNoMore, NodeLog, openNode, reignOf } from "./node.ts";
import { prepareOracle, ROLE, SCHEMA } from "./oracle.ts";
import { TranslatingFront } from "./translating-front.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const database = (): string => postgres().url;

async function holderPid(oracle: string): Promise<number> {
  const [row] = await runSql(database(), `SELECT holder_pid FROM ${SCHEMA}.oracle WHERE name = '${oracle}'`);
  return Number(row?.["holder_pid"]);
}

async function column(oracle: string, name: string): Promise<unknown> {
  const [row] = await runSql(database(), `SELECT ${name} AS value FROM ${SCHEMA}.oracle WHERE name = '${oracle}'`);
  return row?.["value"];
}

/** A session that is not the driver's, as the role of the servers unless told otherwise. */
async function foreignSession(options: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: asRole(database()), ...options });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Some take a thousand commits or start a server twice, which a machine that others use does in its own time. */
const LONG_MS = 60_000;

// Most of their time is spent waiting for a server to give up, each on an oracle of its own.
describe.concurrent("faults of the server", { timeout: LONG_MS }, () => {
  it("a terminated leader stops at once, says that it has stopped, and leads again without a wait", async () => {
    await prepareOracle(database(), "terminated");
    await using driver = await openNode(database(), "terminated");
    const { epoch, tenure } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    await runSql(database(), `SELECT pg_terminate_backend(${await holderPid("terminated")})`);
    await leadsNoMore(driver);
    expect(tenure?.valid()).toBe(false);
    const next = await leads(driver, epoch);
    expect(reignOf(next.epoch)).toBe(reignOf(epoch) + 1n);
    expect(await column("terminated", "prev_clean")).toBe(true);
    expect(await driver.loadHighWater()).toBe(1_000);
  });

  it("a lock that is lost without a word costs the reign at the next election, and no order", async () => {
    await prepareOracle(database(), "unlocked");
    const statements = statementsFor(SCHEMA);
    // What DISCARD ALL does to the lock, in the session itself.
    const load = `WITH gone AS MATERIALIZED (SELECT pg_advisory_unlock_all())
      UPDATE ${SCHEMA}.oracle SET loads = loads + 1 FROM gone WHERE name = $1 RETURNING high_water, epoch_hi, epoch_lo`;
    await using driver = await openNode(database(), "unlocked", {}, { statements: { ...statements, load } });
    const { epoch, tenure } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    await using other = await openNode(database(), "unlocked");
    await driver.loadHighWater();
    const next = await leads(other);
    expect(next.epoch > epoch).toBe(true);
    // The new one has waited; the old one was fenced by its first renewal meanwhile.
    expect(tenure?.valid()).toBe(false);
    expect(await other.loadHighWater()).toBe(1_000);
  });

  it("a row that somebody else has locked is busy, and the reign goes on", async () => {
    await prepareOracle(database(), "locked");
    await using driver = await openNode(database(), "locked");
    const { epoch, tenure } = await leads(driver);
    const client = await foreignSession();
    try {
      await client.query("BEGIN");
      await client.query(`SELECT FROM ${SCHEMA}.oracle WHERE name = 'locked' FOR UPDATE`);
      const refused = await driver.persistHighWater(physicalMs(5), epoch).catch((error: Error) => error);
      expect(refused).toMatchObject({ code: "transient", message: expect.stringMatching(/55P03.*\[BUSY\]/) });
      await client.query("ROLLBACK");
    } finally {
      await client.end();
    }
    expect(await driver.persistHighWater(physicalMs(6), epoch)).toBe(6);
    expect(tenure?.valid()).toBe(true);
  });

  it("a revoked privilege is permanent in mid-reign, and so is a row that is gone", async () => {
    await using own = await postgres().createDatabase();
    await prepareOracle(own.url, "revoked");
    await using driver = await openNode(own.url, "revoked");
    const { epoch } = await leads(driver);
    await runSql(own.url, `REVOKE UPDATE (high_water) ON ${SCHEMA}.oracle FROM ${ROLE}`);
    const refused = await driver.persistHighWater(physicalMs(5), epoch).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "permanent", message: expect.stringMatching(/42501.*\[PRIVILEGE\]/) });
    await runSql(own.url, `GRANT UPDATE (high_water) ON ${SCHEMA}.oracle TO ${ROLE}`);
    const again = await leads(driver, epoch);
    await runSql(own.url, `DELETE FROM ${SCHEMA}.oracle`);
    const gone = await driver.persistHighWater(physicalMs(5), again.epoch).catch((error: Error) => error);
    expect(gone).toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/no oracle "revoked".*\[SCHEMA\]/),
    });
    await leadsNoMore(driver);
  });

  it("settings that were changed under a running node are found at its next poll, before it leads by the old ones", async () => {
    await prepareOracle(database(), "changed");
    const log = new NodeLog();
    await using driver = await openNode(database(), "changed", { log, mayLead: () => false });
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET lease_ms = 5000 WHERE name = 'changed'`);
    expect(await log.line(/SETTINGS/)).toMatch(/^error .*lease_ms=5000.*configured with 2000/);
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "permanent" });
  });

  it.each(["WARNING", "WARNUNG"])("a write that comes with a warning is uncertain, also as a %s", async (severity) => {
    const oracle = `warned-${severity}`;
    await prepareOracle(database(), oracle);
    await runSql(
      database(),
      `CREATE FUNCTION ${SCHEMA}.warn_${severity}() RETURNS boolean LANGUAGE plpgsql AS $$
       BEGIN RAISE WARNING 'as in a wait for a standby that was cancelled'; RETURN true; END $$`,
    );
    const statements = statementsFor(SCHEMA);
    const persist = statements.persist.replace("AND epoch_hi", `AND ${SCHEMA}.warn_${severity}() AND epoch_hi`);
    expect(persist).not.toBe(statements.persist);
    await using front = await TranslatingFront.open(postgres());
    const url = severity === "WARNING" ? database() : front.url(database());
    await using driver = await openNode(url, oracle, {}, { statements: { ...statements, persist } });
    const { epoch } = await leads(driver);
    const refused = await driver.persistHighWater(physicalMs(5), epoch).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "uncertain", message: expect.stringMatching(/standby.*\[WARNING\]/) });
    expect(front.translated).toBe(severity === "WARNING" ? 0 : 1);
  });

  it("a zombie of the oracle is evicted", async () => {
    await prepareOracle(database(), "zombie");
    const { lockKey, applicationName } = oracleIdentity("zombie");
    const zombie = await foreignSession({ application_name: applicationName });
    await zombie.query("SELECT pg_advisory_lock($1::bigint)", [lockKey]);
    const log = new NodeLog();
    await using driver = await openNode(database(), "zombie", { log });
    expect(await log.line(/stopped renewing/)).toMatch(/ended 1 session/);
    await leads(driver);
    await zombie.end().catch(() => undefined);
  });

  it("a foreign holder of the lock is named and left alone", async () => {
    await prepareOracle(database(), "foreign");
    const { lockKey } = oracleIdentity("foreign");
    const foreign = await foreignSession({ application_name: "somebody's" });
    await foreign.query("SELECT pg_advisory_lock($1::bigint)", [lockKey]);
    const log = new NodeLog();
    await using driver = await openNode(database(), "foreign", { log });
    expect(await log.line(/the lock is held, but not by a server/)).toMatch(/^error/);
    expect((await foreign.query("SELECT 1 AS alive")).rows).toEqual([{ alive: 1 }]);
    await foreign.end();
    await leads(driver);
  });

  it("hands out no number twice and leaves no gap while its sessions are terminated all the time", async () => {
    await prepareOracle(database(), "dense");
    await using driver = await openNode(database(), "dense");
    const parsed = parseSeqKey("orders");
    if (!parsed.ok) throw new Error("a valid key");
    const { key } = parsed;
    const blocks: { start: bigint; count: bigint }[] = [];
    let unknown = 0;
    for (let call = 0; call < 1_000; call += 1) {
      const { epoch } = await leads(driver);
      if (call % 100 === 50) {
        const pid = await holderPid("dense");
        void runSql(database(), `SELECT pg_terminate_backend(${pid})`);
      }
      const before = blocks.at(-1);
      const count = 1 + (call % 4);
      try {
        const [start = -1n] = await driver.sequences.advance([{ key, count }], epoch);
        blocks.push({ start, count: BigInt(count) });
      } catch {
        // Carried out once, or not at all: the counter says which.
        unknown += 1;
        await leads(driver);
        const next = await driver.sequences.load(key);
        const end = before === undefined ? 0n : before.start + before.count;
        expect([end, end + BigInt(count)]).toContain(next);
        if (next > end) blocks.push({ start: end, count: BigInt(count) });
      }
    }
    let next = 0n;
    for (const { start, count } of blocks) {
      expect(start).toBe(next);
      next = start + count;
    }
    expect(unknown).toBeGreaterThan(0);
    expect(await driver.sequences.load(key)).toBe(next);
  });
});

describe.concurrent("faults of the whole server", { timeout: LONG_MS }, () => {
  it("a crash, a pause and a restart: calls end, nothing is lost, and the node comes back by itself", async () => {
    await using server = await startPostgres();
    await prepareOracle(server.url, "main");
    await using driver = await openNode(server.url, "main");
    let { epoch } = await leads(driver);
    let value = 0;
    const persist = async (): Promise<void> => {
      value += 1_000;
      expect(await driver.persistHighWater(physicalMs(value), epoch)).toBe(value);
    };
    await persist();
    await server.kill();
    await leadsNoMore(driver);
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    await server.restart();
    ({ epoch } = await leads(driver, epoch));
    expect(await driver.loadHighWater()).toBe(value);
    await persist();
    await server.pause();
    await expect(driver.persistHighWater(physicalMs(value + 1), epoch)).rejects.toMatchObject({
      code: expect.stringMatching(/^(uncertain|transient)$/),
    });
    await leadsNoMore(driver);
    await server.resume();
    ({ epoch } = await leads(driver, epoch));
    value += 1;
    await persist();
  });

  it("a commit that nobody replicates is never a success, neither when it hangs nor when it is cancelled", async () => {
    await using server = await startPostgres();
    await prepareOracle(server.url, "main");
    const log = new NodeLog();
    await using driver = await openNode(server.url, "main", { log });
    const first = await leads(driver);
    const setStandby = async (names: string): Promise<void> => {
      await runSql(server.url, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
      await runSql(server.url, "SELECT pg_reload_conf()");
      await waitUntil("the setting", async () => {
        const [row] = await runSql(server.url, "SELECT current_setting('synchronous_standby_names') AS names");
        return row?.["names"] === names;
      });
    };
    const inSyncRep = (): Promise<number> =>
      waitUntil(
        "a commit that waits for the standby",
        async () => {
          const [row] = await runSql(server.url, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
          return row === undefined ? undefined : Number(row["pid"]);
        },
        { everyMs: 1 },
      );
    await setStandby("ghost");
    const hanging = driver.persistHighWater(physicalMs(1_000), first.epoch).catch((error: Error) => error);
    expect(await hanging).toMatchObject({ code: expect.stringMatching(/^(uncertain|transient|not_leader)$/) });
    await leadsNoMore(driver);
    // Whoever comes next waits for the standby as well. Cancelled, the server says done, with a warning.
    const from = log.lines.length;
    const cancelled = log.line(/canceling wait for synchronous replication/, from);
    let isSeen = false;
    void cancelled.then(() => {
      isSeen = true;
    });
    while (!isSeen) {
      const pid = await Promise.race([inSyncRep(), cancelled.then(() => undefined)]);
      if (pid !== undefined) await runSql(server.url, `SELECT pg_cancel_backend(${pid})`);
    }
    expect(await cancelled).toMatch(/WARNING.*does not count/);
    await setStandby("");
    const next = await leads(driver, first.epoch);
    expect(await driver.persistHighWater(physicalMs(2_000), next.epoch)).toBe(2_000);
  });
});
