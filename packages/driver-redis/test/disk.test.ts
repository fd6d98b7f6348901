// SPDX-License-Identifier: Apache-2.0
import { type RedisServer, startRedisNodes, waitUntil } from "@tsoracle/test-services";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ask, Cluster, type Peer } from "./cluster.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

let servers: readonly RedisServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

const LIMIT_KB = 256;

async function persistEventually(peer: Peer, value: number): Promise<number> {
  const attempt = async (): Promise<number | undefined> =>
    await peer.persist(value, await peer.reign()).catch(() => undefined);
  return await waitUntil(`${value} to be persisted`, attempt, { timeoutMs: 30_000 });
}

async function failureOf(call: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  return await call.then(
    () => ({ code: "resolved", message: "" }),
    (error: { code: string; message: string }) => error,
  );
}

/** Writes until the server takes no more, or is gone. */
async function fill({ url }: RedisServer): Promise<string> {
  const filler = "x".repeat(32 * 1_024);
  for (let count = 0; count < 100; count += 1) {
    try {
      await ask(url, "SET", `filler:${count}`, filler);
    } catch (error) {
      return (error as Error).message;
    }
  }
  throw new Error("the server took more than its limit");
}

describe("two nodes of three whose disk is full", () => {
  it("end themselves with appendfsync always, and nothing that was acknowledged is missing when there is room", async () => {
    servers = await startRedisNodes(3, (index) => (index < 2 ? { fileLimitKb: LIMIT_KB } : {}));
    const cluster = await Cluster.create(servers, { trustRestart: "aof-always" });
    await using peer = await cluster.open();
    const reign = await peer.reign();
    expect(await peer.persist(1_000, reign)).toBe(1_000);
    const full = servers.slice(0, 2);
    for (const server of full) await fill(server);
    await waitUntil("both to be gone", () => full.every((server) => !server.isRunning));
    expect(full[0]?.log()).toMatch(/AOF/);
    expect((await failureOf(peer.persist(2_000, reign))).code).toMatch(/uncertain|not_leader|fenced/);
    await waitUntil("the tenure to end", () => !reign.tenure.valid());
    for (const server of full) await server.restart({ fileLimitKb: undefined });
    expect(await persistEventually(peer, 1_500)).toBeGreaterThanOrEqual(1_500);
    const held = (await cluster.held()).filter((value) => value !== undefined && value >= 1_500);
    expect(held.length).toBeGreaterThanOrEqual(2);
  });

  it("refuse writes as MISCONF where data may be lost anyway, and the message says where to look", async () => {
    const args = ["--appendfsync", "everysec"];
    servers = await startRedisNodes(3, (index) => (index < 2 ? { args, fileLimitKb: LIMIT_KB } : { args }));
    const cluster = await Cluster.create(servers, { acceptDataLoss: true });
    await using peer = await cluster.open();
    await cluster.raiseAll(peer, 1_000, await peer.reign());
    for (const server of servers.slice(0, 2)) expect(await fill(server)).toMatch(/MISCONF/);
    const { code, message } = await failureOf(peer.persist(2_000, await peer.reign()));
    expect({ code, message }).toMatchObject({
      code: "uncertain",
      message: expect.stringMatching(/MISCONF.*free space/),
    });
    await waitUntil("the third to have it", async () => (await cluster.held())[2] === 2_000);
    expect((await cluster.held()).slice(0, 2)).toEqual([1_000, 1_000]);
  });
});

describe("two nodes of three that are loading their data", () => {
  it("have no vote and say so, and nothing is served until they are done", async () => {
    servers = await startRedisNodes(3);
    const cluster = await Cluster.create(servers, { trustRestart: "aof-always" });
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    const loading = servers.slice(0, 2);
    for (const { url } of loading) {
      await ask(url, "EVAL", "for i=1,5000 do redis.call('SET','filler:'..i,'x') end", 0);
      await ask(url, "BGREWRITEAOF");
      const isDone = async (): Promise<boolean> =>
        /aof_base_size:[1-9]/.test(String(await ask(url, "INFO", "persistence")));
      await waitUntil("the file to be rewritten", isDone);
    }
    // A millisecond for each key, until the test says otherwise.
    const slow = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    for (const server of loading) await server.kill();
    const restarts = Promise.all(loading.map((server) => server.restart({ args: slow })));
    for (const { url } of loading) {
      const isLoading = async (): Promise<boolean> =>
        await ask(url, "GET", "filler:1").then(
          () => false,
          (error: Error) => error.message.startsWith("LOADING"),
        );
      await waitUntil("the node to answer LOADING", isLoading, { everyMs: 10 });
    }
    const refusal = async (): Promise<string | undefined> => {
      const { code, message } = await failureOf(peer.driver.loadHighWater());
      return /is loading its data.*is loading its data/.test(message) ? code : undefined;
    };
    expect(await waitUntil("both to be told as loading", refusal)).toMatch(/^(transient|uncertain)$/);
    expect((await failureOf(peer.persist(2_000, reign))).code).not.toBe("resolved");
    await waitUntil("the tenure to end", () => !reign.tenure.valid());
    for (const { url } of loading) await ask(url, "CONFIG", "SET", "key-load-delay", "0");
    await restarts;
    expect(await persistEventually(peer, 3_000)).toBe(3_000);
  });
});
