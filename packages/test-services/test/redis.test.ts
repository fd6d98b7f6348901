// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { useRedis } from "../src/fixtures.ts";
import { isAlive, isStopped } from "../src/process/process-table.ts";
import { startRedis } from "../src/redis/server.ts";
import { waitUntil } from "../src/wait-until.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

/** A client that gives up instead of trying again. */
function connect(url: string, commandTimeout?: number): Redis {
  const redis = new Redis(url, {
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    ...(commandTimeout === undefined ? {} : { commandTimeout }),
  });
  redis.on("error", () => {});
  return redis;
}

/** Runs some commands on a connection of their own. */
async function ask<T>(url: string, commands: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = connect(url);
  try {
    return await commands(redis);
  } finally {
    redis.disconnect();
  }
}

describe("Redis", () => {
  const nodes = useRedis({ beforeAll, afterAll }, 5);

  it("comes up as independent servers that sync every write", async () => {
    const seen = await Promise.all(
      nodes().map(({ url }, index) =>
        ask(url, async (redis) => {
          await redis.set("who", String(index));
          return [await redis.get("who"), (await redis.config("GET", "appendfsync")) as string[]].flat();
        }),
      ),
    );
    expect(seen).toEqual([0, 1, 2, 3, 4].map((index) => [String(index), "appendfsync", "always"]));
    expect(new Set(nodes().map(({ port }) => port)).size).toBe(5);
  });

  it("keeps what it acknowledged over kill -9 and restart, on the same port", async () => {
    await using server = await startRedis();
    const { port } = server;
    for (let i = 0; i < 100; i += 1) await ask(server.url, (redis) => redis.set(`key${i}`, i));
    const [pid = 0] = server.pids();
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    expect(server.isRunning).toBe(false);
    await expect(ask(server.url, (redis) => redis.ping())).rejects.toThrow();
    await server.restart();
    expect(server.port).toBe(port);
    expect(await ask(server.url, (redis) => redis.dbsize())).toBe(100);
  });

  it("lets a client time out while it is paused, and applies the late write when it goes on", async () => {
    await using server = await startRedis();
    const client = connect(server.url, 200);
    await client.ping();
    await server.pause();
    expect(server.pids().every(isStopped)).toBe(true);
    await expect(client.set("late", "1")).rejects.toThrow("Command timed out");
    client.disconnect();
    await server.resume();
    await waitUntil("the late write", () =>
      ask(server.url, (redis) => redis.get("late")).then((value) => value === "1"),
    );
  });

  it("forgets everything when it is wiped, and is another server then", async () => {
    await using server = await startRedis();
    const runId = (redis: Redis): Promise<string> =>
      redis.info("server").then((text) => /run_id:(\w+)/.exec(text)?.[1] ?? "");
    const before = await ask(server.url, async (redis) => {
      await redis.set("key", "value");
      return runId(redis);
    });
    await server.wipe();
    expect(await ask(server.url, (redis) => redis.get("key"))).toBeNull();
    expect(await ask(server.url, runId)).not.toBe(before);
  });

  it("takes arguments per instance, and others at a restart", async () => {
    await using server = await startRedis({ args: ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"] });
    const policy = (): Promise<unknown> => ask(server.url, (redis) => redis.config("GET", "maxmemory-policy"));
    expect(await policy()).toEqual(["maxmemory-policy", "allkeys-lru"]);
    await server.restart({ args: [] });
    expect(await policy()).toEqual(["maxmemory-policy", "noeviction"]);
  });

  it("reports why it does not start", async () => {
    await expect(startRedis({ args: ["--no-such-option", "1"] })).rejects.toThrow(/ended with 1.*no-such-option/s);
  });

  it("ends in order and comes back", async () => {
    await using server = await startRedis();
    await ask(server.url, (redis) => redis.set("key", "value"));
    await server.shutdown();
    expect(server.isRunning).toBe(false);
    expect(server.log()).toContain("ready to exit");
    await server.restart();
    expect(await ask(server.url, (redis) => redis.get("key"))).toBe("value");
  });

  it("leaves neither process nor directory when it is stopped, even when it is paused", async () => {
    const server = await startRedis();
    const [pid = 0] = server.pids();
    await server.pause();
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(server.dataDirectory ?? "")).toBe(false);
  });

  it("refuses faults on a server that it did not start", async () => {
    const { startRedisNodes } = await import("../src/redis/server.ts");
    const { systemContext } = await import("../src/resolver-context.ts");
    const [node] = nodes();
    const [external] = await startRedisNodes(1, undefined, systemContext({ TEST_REDIS_URLS: node?.url ?? "" }));
    expect(external?.isOwned).toBe(false);
    await expect(external?.kill()).rejects.toThrow("unset TEST_REDIS_URLS");
    await expect(external?.wipe()).rejects.toThrow("cannot wipe");
    await external?.stop();
    expect(node?.isRunning).toBe(true);
  });
});
