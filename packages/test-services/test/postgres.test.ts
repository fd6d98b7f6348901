// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from "node:fs";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { usePostgres } from "../src/fixtures.ts";
import { runSql } from "../src/postgres/database.ts";
import { startPostgres } from "../src/postgres/server.ts";
import { isAlive, isStopped } from "../src/process/process-table.ts";
import { systemContext } from "../src/resolver-context.ts";
import { waitUntil } from "../src/wait-until.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

async function session(url: string, options: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, ...options });
  client.on("error", () => {});
  await client.connect();
  return client;
}

describe("Postgres", () => {
  const shared = usePostgres({ beforeAll, afterAll });

  it("comes up with fsync on", async () => {
    expect(await runSql(shared().url, "SHOW fsync")).toEqual([{ fsync: "on" }]);
    expect(shared().log()).toContain("ready to accept connections");
  });

  it("gives every test a database of its own, and drops it with a session still in it", async () => {
    await using one = await shared().createDatabase("first");
    const two = await shared().createDatabase();
    await runSql(one.url, "CREATE TABLE t (n int)");
    const [row] = await runSql(two.url, "SELECT to_regclass('t') AS found, current_database() AS name");
    expect(row).toEqual({ found: null, name: two.name });
    const open = await session(two.url);
    await two.drop();
    await open.end();
    await expect(runSql(two.url, "SELECT 1")).rejects.toThrow("does not exist");
  });

  it("refuses a name that would need quoting", async () => {
    await expect(shared().createDatabase('x"; DROP')).rejects.toThrow("must begin with");
  });

  it("keeps what it acknowledged over kill -9 and restart, with every process of it gone in between", async () => {
    await using server = await startPostgres();
    await runSql(server.url, "CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 400)");
    const client = await session(server.url);
    const pids = server.pids();
    expect(pids.length).toBeGreaterThan(3);
    await server.kill();
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(client.query("SELECT 1")).rejects.toThrow();
    await server.restart();
    expect(await runSql(server.url, "SELECT count(*)::int AS n FROM t")).toEqual([{ n: 400 }]);
    expect(server.log()).toContain("database system was not properly shut down");
  });

  it("stops open sessions when it is paused, and applies the late write when it goes on", async () => {
    await using server = await startPostgres();
    await runSql(server.url, "CREATE TABLE t (n int)");
    const client = await session(server.url);
    await client.query("INSERT INTO t VALUES (1)");
    await server.pause();
    expect(server.pids().length).toBeGreaterThan(3);
    expect(server.pids().every(isStopped)).toBe(true);
    const late: pg.QueryConfig & { query_timeout: number } = { text: "INSERT INTO t VALUES (2)", query_timeout: 300 };
    await expect(client.query(late)).rejects.toThrow("Query read timeout");
    await expect(session(server.url, { connectionTimeoutMillis: 300 })).rejects.toThrow("timeout");
    await server.resume();
    expect(server.pids().some(isStopped)).toBe(false);
    await waitUntil("the late write", async () => {
      const [row] = await runSql(server.url, "SELECT count(*)::int AS n FROM t");
      return row?.["n"] === 2;
    });
    await client.end();
  });

  it("can be killed while it is paused", async () => {
    await using server = await startPostgres();
    await runSql(server.url, "CREATE TABLE t (n int)");
    await server.pause();
    const pids = server.pids();
    await server.kill();
    expect(pids.filter(isAlive)).toEqual([]);
    await server.restart();
    expect(await runSql(server.url, "SELECT count(*)::int AS n FROM t")).toEqual([{ n: 0 }]);
  });

  it("leaves nobody stopped when it dies while it is paused", async () => {
    await using server = await startPostgres();
    await server.pause();
    const [main = 0, ...children] = server.pids();
    expect(children.length).toBeGreaterThan(2);
    process.kill(main, "SIGKILL");
    await waitUntil("the end of the server", () => !server.isRunning);
    expect(children.every(isStopped)).toBe(true);
    await server.kill();
    expect(children.filter(isAlive)).toEqual([]);
    await server.restart();
    expect(await runSql(server.url, "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  });

  it("takes settings, and others at a restart, and files of the data directory", async () => {
    await using server = await startPostgres({
      settings: { synchronous_commit: "off" },
      files: { "pg_hba.conf": "host all postgres 127.0.0.1/32 trust\n" },
    });
    expect(await runSql(server.url, "SHOW synchronous_commit")).toEqual([{ synchronous_commit: "off" }]);
    await runSql(server.url, "CREATE ROLE stranger LOGIN");
    await expect(runSql(server.url.replace("postgres@", "stranger@"), "SELECT 1")).rejects.toThrow(
      "no pg_hba.conf entry",
    );
    await server.restart({ settings: {} });
    expect(await runSql(server.url, "SHOW synchronous_commit")).toEqual([{ synchronous_commit: "on" }]);
  });

  it("makes a standby from a copy", async () => {
    await using primary = await startPostgres();
    await primary.shutdown();
    const copyOf = primary.dataDirectory ?? "";
    await using standby = await startPostgres({
      copyOf,
      files: { "standby.signal": "" },
      settings: { primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres` },
    });
    await primary.restart();
    await runSql(primary.url, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
    await waitUntil("the row on the standby", async () => {
      const [row] = await runSql(standby.url, "SELECT to_regclass('t') IS NOT NULL AS there");
      return row?.["there"] === true;
    });
    await expect(runSql(standby.url, "INSERT INTO t VALUES (8)")).rejects.toThrow("read-only transaction");
  });

  it("leaves neither process, directory nor shared memory when it is stopped after a crash", async () => {
    const server = await startPostgres();
    const data = server.dataDirectory ?? "";
    const [, id] = readFileSync(`${data}/postmaster.pid`, "utf8").split("\n")[6]?.trim().split(/\s+/) ?? [];
    const segments = (): string => (process.platform === "linux" ? readFileSync("/proc/sysvipc/shm", "utf8") : "");
    const isThere = (): boolean =>
      segments()
        .split("\n")
        .some((line) => line.trim().split(/\s+/)[1] === id);
    expect(isThere()).toBe(process.platform === "linux");
    await server.kill();
    await server.stop();
    expect(isThere()).toBe(false);
    expect(existsSync(data)).toBe(false);
  });

  it("reports why it does not start", async () => {
    await expect(startPostgres({ settings: { no_such_setting: "1" } })).rejects.toThrow(
      /ended with 1.*no_such_setting/s,
    );
  });

  it("refuses faults on a server that it did not start, and still makes databases there", async () => {
    const external = await startPostgres({}, systemContext({ TEST_POSTGRES_URL: shared().url }));
    await expect(external.restart()).rejects.toThrow("unset TEST_POSTGRES_URL");
    await using database = await external.createDatabase();
    expect(await runSql(database.url, "SELECT current_database() AS name")).toEqual([{ name: database.name }]);
  });
});
