// SPDX-License-Identifier: Apache-2.0
import type { ConsensusError } from "@tsoracle/consensus";
import { physicalMs } from "@tsoracle/core";
import { FaultProxy, runSql, startPostgres, usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initOracle } from "../src/index.ts";
import type { PostgresDriverOptions } from "../src/options.ts";
import { asRole, leads, NodeLog, openNode } from "./node.ts";
import { createRole, prepareOracle, ROLE, SCHEMA, TENURE_MS } from "./oracle.ts";

/** The owner comes in by trust; everybody else must know a password. */
const HBA = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
const PASSWORD = "correct horse";

const postgres = usePostgres({ beforeAll, afterAll }, { files: { "pg_hba.conf": HBA } });
const database = (): string => postgres().url;

beforeAll(async () => {
  await createRole(database());
  await runSql(database(), `ALTER ROLE ${ROLE} PASSWORD '${PASSWORD}'`);
  await prepareOracle(database(), "main");
});

/** How opening a node is refused. */
async function refusal(options: Partial<PostgresDriverOptions>, oracle = "main", url = database()): Promise<string> {
  const opened = await openNode(url, oracle, { password: PASSWORD, ...options }).catch(
    (error: ConsensusError) => error,
  );
  if (!("code" in opened)) {
    await opened[Symbol.asyncDispose]();
    throw new Error("the node was opened");
  }
  expect(opened.code).toBe("permanent");
  return opened.message;
}

describe("a node that is set up wrongly is refused", () => {
  it("with a wrong password, and the message does not repeat it", async () => {
    const message = await refusal({ password: "wrong horse" });
    expect(message).toMatch(/password authentication failed.*check user, password.*\[LOGIN\]/);
    expect(message).not.toContain("wrong horse");
  });

  it("with no password, in a database that is missing, as a role that is missing", async () => {
    expect(await refusal({ password: undefined })).toMatch(/SASL.*\[LOGIN\]/);
    const url = new URL(database());
    url.pathname = "/nowhere";
    expect(await refusal({}, "main", url.href)).toMatch(/"nowhere" does not exist.*\[LOGIN\]/);
    expect(await refusal({ url: asRole(database(), "nobody") })).toMatch(/\[LOGIN\]/);
  });

  it("asks for its password at each connection, so that it may rotate", async () => {
    let asked = 0;
    const password = async (): Promise<string> => {
      asked += 1;
      return PASSWORD;
    };
    await using driver = await openNode(database(), "main", { password });
    const { epoch } = await leads(driver);
    await runSql(
      database(),
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tso/main'`,
    );
    await leads(driver, epoch);
    expect(asked).toBe(2);
  });

  it("without the tables, without the oracle", async () => {
    await using empty = await postgres().createDatabase();
    expect(await refusal({}, "main", empty.url)).toMatch(
      /tso.oracle" does not exist.*tsoracle postgres init.*\[SCHEMA\]/,
    );
    expect(await refusal({}, "no-such")).toMatch(/there is no oracle "no-such".*\[SCHEMA\]/);
  });

  it("without a privilege, by the names of what is missing", async () => {
    await using own = await postgres().createDatabase();
    await prepareOracle(own.url, "main");
    await runSql(own.url, `REVOKE UPDATE (beat) ON ${SCHEMA}.oracle FROM ${ROLE}`);
    await runSql(own.url, `REVOKE INSERT (records) ON ${SCHEMA}.lease_set FROM ${ROLE}`);
    const message = await refusal({}, "main", own.url);
    expect(message).toMatch(/lacks UPDATE \(beat\) on oracle, INSERT \(records\) on lease_set.*\[PRIVILEGE\]/);
    await runSql(own.url, `REVOKE USAGE ON SCHEMA ${SCHEMA} FROM ${ROLE}`);
    expect(await refusal({}, "main", own.url)).toMatch(/permission denied for schema.*\[PRIVILEGE\]/);
  });

  it("with other settings than the oracle was made with, and nothing is written", async () => {
    const read = (): Promise<unknown> => runSql(database(), `SELECT * FROM ${SCHEMA}.oracle WHERE name = 'main'`);
    const before = await read();
    expect(await refusal({ tenureMs: 4_000 })).toMatch(/made with lease_ms=2000.*configured with 4000.*\[SETTINGS\]/);
    expect(await refusal({ drift: 0.05 })).toMatch(/made with rate_slack_ppm=100000.*50000.*\[SETTINGS\]/);
    expect(await refusal({ freshness: "confirm" })).toMatch(/made with freshness=lease.*confirm.*\[SETTINGS\]/);
    expect(await read()).toEqual(before);
  });

  it("in a database that cannot hold every key", async () => {
    await runSql(database(), "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    const url = new URL(database());
    url.pathname = "/latin";
    await prepareOracle(url.href, "main");
    expect(await refusal({}, "main", url.href)).toMatch(/expected a database in UTF8, got one in LATIN1.*\[ENCODING\]/);
  });

  it("on an oracle of another database cluster", async () => {
    await prepareOracle(database(), "restored");
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET sysid = 42 WHERE name = 'restored'`);
    expect(await refusal({}, "restored")).toMatch(/belongs to the cluster 42.*fast-forward.*\[IDENTITY\]/);
  });

  it("on a store from before a reign that the epoch names", async () => {
    await prepareOracle(database(), "older");
    await runSql(database(), `UPDATE ${SCHEMA}.oracle SET epoch_hi = 9, epoch_lo = 3 WHERE name = 'older'`);
    expect(await refusal({}, "older")).toMatch(/last reign was on timeline 9.*an older state.*\[REGRESSED\]/);
  });

  it("when replication is promised and not configured", async () => {
    expect(await refusal({ durability: "replicated" })).toMatch(
      /synchronous_standby_names is empty.*\[NOT_REPLICATED\]/,
    );
  });

  it("on a server that does not keep what it acknowledges, unless it is told so for tests", async () => {
    await using careless = await startPostgres({ settings: { fsync: "off" } });
    await prepareOracle(careless.url, "main");
    expect(await refusal({}, "main", careless.url)).toMatch(
      /fsync=off.*timestamps be issued twice.*\[UNSAFE_DURABILITY\]/,
    );
    await using driver = await openNode(careless.url, "main", { allowUnsafeDurability: true });
    await leads(driver);
  });
});

describe("a node that may yet come to serve is opened", () => {
  it("while the server is down, and leads once it is up", async () => {
    await using proxy = await FaultProxy.open(postgres());
    await proxy.refuse();
    await prepareOracle(database(), "later");
    const log = new NodeLog();
    const url = asRole(proxy.url(database()));
    await using driver = await openNode(database(), "later", { url, password: PASSWORD, log });
    await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    expect(await log.line(/ECONNREFUSED/)).toMatch(/^warn/);
    await proxy.accept();
    const { epoch } = await leads(driver);
    expect(await driver.persistHighWater(physicalMs(5), epoch)).toBe(5);
  });

  it("with settings of its role that would undo the driver's", async () => {
    await prepareOracle(database(), "stubborn");
    await runSql(database(), `ALTER ROLE ${ROLE} SET synchronous_commit = off`);
    await runSql(database(), `ALTER ROLE ${ROLE} SET client_min_messages = error`);
    await runSql(database(), `ALTER ROLE ${ROLE} SET default_transaction_isolation = serializable`);
    await runSql(database(), `ALTER ROLE ${ROLE} SET default_transaction_read_only = on`);
    try {
      await using driver = await openNode(database(), "stubborn", { password: PASSWORD });
      const { epoch } = await leads(driver);
      expect(await driver.persistHighWater(physicalMs(5), epoch)).toBe(5);
    } finally {
      await runSql(database(), `ALTER ROLE ${ROLE} RESET ALL`);
    }
  });

  it("when its role has no connection left, while the leader goes on", async () => {
    await prepareOracle(database(), "crowded");
    await using leader = await openNode(database(), "crowded", { password: PASSWORD });
    const { epoch } = await leads(leader);
    await runSql(database(), `ALTER ROLE ${ROLE} CONNECTION LIMIT 1`);
    try {
      const log = new NodeLog();
      await using late = await openNode(database(), "crowded", { password: PASSWORD, log });
      expect(await log.line(/53300/)).toMatch(/^error .*EXHAUSTED.*max_connections/);
      await expect(late.loadHighWater()).rejects.toMatchObject({ code: "transient" });
      expect(await leader.persistHighWater(physicalMs(5), epoch)).toBe(5);
    } finally {
      await runSql(database(), `ALTER ROLE ${ROLE} CONNECTION LIMIT -1`);
    }
  });
});

describe("init", () => {
  const settings = { role: ROLE, tenureMs: TENURE_MS };

  it("creates an oracle once, and is harmless to repeat", async () => {
    const options = { url: database(), oracle: "fresh", ...settings, seedPhysicalMs: 1_000 };
    expect(await initOracle(options)).toEqual({ created: true });
    expect(await initOracle(options)).toEqual({ created: false });
    await using driver = await openNode(database(), "fresh", { password: PASSWORD });
    expect(await driver.loadHighWater()).toBe(1_000);
  });

  it("does not mind others that do the same at once", async () => {
    await using own = await postgres().createDatabase();
    const oracles = ["a", "b", "c", "a"];
    const results = await Promise.all(oracles.map((oracle) => initOracle({ url: own.url, oracle, ...settings })));
    expect(results.filter(({ created }) => created)).toHaveLength(3);
  });

  it("never changes an oracle that exists", async () => {
    const again = (rest: object): Promise<unknown> =>
      initOracle({ url: database(), oracle: "main", ...settings, ...rest });
    await expect(again({ tenureMs: 5_000 })).rejects.toThrow(/exists with lease_ms=2000, and 5000 is asked for/);
    await expect(again({ freshness: "confirm" })).rejects.toThrow(/exists with freshness=lease/);
    await expect(again({ seedPhysicalMs: 2 ** 45 })).rejects.toThrow(/below the seed.*fast-forward/);
  });

  it.each([
    [{ role: "no_such_role" }, /there is no role "no_such_role": create it first/],
    [{ role: 'a"b' }, /expected role as a letter/],
    [{ oracle: "a b" }, /expected an oracle name/],
    [{ schema: "A" }, /expected schema/],
    [{ tenureMs: 500 }, /at least 1000/],
    [{ tenureMs: 600_001 }, /at most 600000/],
    [{ drift: 0.6 }, /at most 0.5/],
    [{ seedPhysicalMs: -1 }, /seedPhysicalMs as whole milliseconds/],
    [{ seedPhysicalMs: 2 ** 46 }, /seedPhysicalMs as whole milliseconds/],
  ])("refuses %j", async (wrong, message) => {
    const options = { url: database(), oracle: "main", ...settings, ...wrong };
    await expect(initOracle(options)).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(message),
    });
  });
});

describe("the role of the servers", () => {
  it.each([
    ["UPDATE tso.oracle SET high_water = high_water - 1", "refusing to move backwards"],
    ["UPDATE tso.oracle SET epoch_lo = 0", "refusing to move backwards"],
    ["UPDATE tso.oracle SET name = 'x'", "permission denied"],
    ["UPDATE tso.oracle SET sysid = 1", "permission denied"],
    ["UPDATE tso.oracle SET restore_gen = 7", "permission denied"],
    ["UPDATE tso.oracle SET lease_ms = 200", "permission denied"],
    ["DELETE FROM tso.oracle", "permission denied"],
    ["TRUNCATE tso.oracle CASCADE", "permission denied"],
    ["INSERT INTO tso.oracle (name, lock_key, sysid, lease_ms) VALUES ('x', 1, 1, 1000)", "permission denied"],
    ["DELETE FROM tso.dense", "permission denied"],
    ["ALTER TABLE tso.oracle DISABLE TRIGGER ALL", "must be owner"],
    ["DROP SCHEMA tso CASCADE", "must be owner"],
  ])("cannot do harm: %s", async (sql, message) => {
    await runSql(
      database(),
      `UPDATE ${SCHEMA}.oracle SET high_water = 5, epoch_lo = 5, epoch_hi = 1 WHERE high_water = 0 AND epoch_lo = 0`,
    );
    const url = new URL(asRole(database()));
    url.password = PASSWORD;
    await expect(runSql(url.href, sql)).rejects.toThrow(message);
  });
});
