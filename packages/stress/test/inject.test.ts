// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { FaultProxy, isStopped, type RedisServer, useRedis } from "@tsoracle/test-services";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { cut } from "../src/cut.ts";
import type { StoreNode } from "../src/drivers/stress-driver.ts";
import { killStore, pauseStore } from "../src/inject-store.ts";

const redis = useRedis({ beforeAll, afterAll }, 2);
const open: { destroy(): void }[] = [];
const proxies: FaultProxy[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) each.destroy();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});

const server = (index: number): RedisServer => {
  const found = redis()[index];
  if (found === undefined) throw new Error(`expected a Redis ${index}`);
  return found;
};

const node = (index: number): StoreNode => ({ name: `Redis node ${index}`, process: server(index), links: [] });

async function proxied(): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(server(0));
  proxies.push(proxy);
  return proxy;
}

/** A connection over the proxy that the server has answered on. */
async function answered(proxy: FaultProxy): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host);
  socket.on("error", () => {});
  open.push(socket);
  socket.write("PING\r\n");
  await once(socket, "data");
  return socket;
}

describe("a cut", () => {
  it("is not confirmed by ways that nobody used meanwhile", async () => {
    const proxy = await proxied();
    expect(await cut([proxy], "hold", 10)).toMatchObject({
      isConfirmed: false,
      evidence: "0 bytes on 1 ways were held back",
    });
    expect(await cut([proxy], "reset", 10)).toMatchObject({ isConfirmed: false });
    expect(await cut([], "drop", 10)).toMatchObject({ isConfirmed: false });
  });

  it.each(["hold", "drop"] as const)(
    "that lets bytes wait or go (%s) is confirmed by them, and over afterwards",
    async (mode) => {
      const proxy = await proxied();
      const socket = await answered(proxy);
      const ended = cut([proxy], mode, 500);
      socket.write("PING\r\n");
      expect(await ended).toMatchObject({ isConfirmed: true, evidence: expect.stringMatching(/^6 bytes on 1 ways/) });
      await answered(proxy);
    },
  );

  it("by reset is confirmed by connections that were there and are gone", async () => {
    const proxy = await proxied();
    const socket = await answered(proxy);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    expect(await cut([proxy], "reset", 10)).toMatchObject({
      isConfirmed: true,
      evidence: "1 connections were reset, 0 were left while new ones were refused",
    });
    await closed;
    await answered(proxy);
  });
});

describe("a fault of the store", () => {
  it("kills all processes of its nodes and starts others on the same data", async () => {
    const before = [0, 1].flatMap((index) => server(index).pids());
    expect(await killStore([node(0), node(1)], 0)).toMatchObject({ isConfirmed: true });
    const after = [0, 1].flatMap((index) => server(index).pids());
    expect(after).toHaveLength(2);
    expect(after.some((pid) => before.includes(pid))).toBe(false);
  });

  it("is not confirmed when a node was down already", async () => {
    await server(1).kill();
    expect(await killStore([node(0), node(1)], 0)).toMatchObject({ isConfirmed: false });
  });

  it("stops all processes of its nodes and lets them go on", async () => {
    const pids = server(0).pids();
    const ended = pauseStore([node(0)], 50);
    expect(await ended).toMatchObject({ isConfirmed: true, evidence: expect.stringContaining("1 of 1 processes") });
    expect(pids.some(isStopped)).toBe(false);
  });

  it("is not confirmed when a process went on before its time", async () => {
    const [pid = 0] = server(0).pids();
    const wakesUp = new Proxy(server(0), {
      get(target, name) {
        if (name === "pids") setImmediate(() => process.kill(pid, "SIGCONT"));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const ended = pauseStore([{ ...node(0), process: wakesUp }], 100);
    expect(await ended).toMatchObject({ isConfirmed: false });
  });
});
