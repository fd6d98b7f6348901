// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from "vitest";
import { callEtcd, isHealthy, listMembers } from "../src/etcd/gateway.ts";
import { hasEtcd } from "../src/etcd/locate.ts";
import { startEtcd } from "../src/etcd/server.ts";
import { isStopped } from "../src/process/process-table.ts";
import { waitUntil } from "../src/wait-until.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const put = (url: string, key: string, value: string): Promise<unknown> =>
  callEtcd(url, "/v3/kv/put", { key: base64(key), value: base64(value) });
const get = async (url: string, key: string): Promise<string | undefined> => {
  const { kvs } = (await callEtcd(url, "/v3/kv/range", { key: base64(key) })) as { kvs?: { value: string }[] };
  return kvs?.[0] === undefined ? undefined : Buffer.from(kvs[0].value, "base64").toString();
};

// The one service that may be missing; hasEtcd has said so then.
if (await hasEtcd()) {
  describe("one etcd", () => {
    it("keeps what it acknowledged over kill -9 and restart, and forgets it when it is wiped", async () => {
      const [server] = await startEtcd(1);
      if (server === undefined) throw new Error("no server");
      await using _ = server;
      await put(server.url, "key", "value");
      await server.kill();
      await server.restart();
      await server.waitHealthy();
      expect(await get(server.url, "key")).toBe("value");
      await server.wipe();
      await server.waitHealthy();
      expect(await get(server.url, "key")).toBeUndefined();
    });

    it("does not answer while it is paused, and applies the late write when it goes on", async () => {
      const [server] = await startEtcd(1);
      if (server === undefined) throw new Error("no server");
      await using _ = server;
      await server.pause();
      expect(server.pids().every(isStopped)).toBe(true);
      const late = put(server.url, "late", "1");
      expect(await isHealthy(server.url)).toBe(false);
      await server.resume();
      await late;
      expect(await get(server.url, "late")).toBe("1");
    });
  });

  describe("three etcd members", () => {
    it("agree, survive the loss of one, and take it back with its data or wiped", async () => {
      const members = await startEtcd(3);
      try {
        const [one, two, three] = members;
        if (one === undefined || two === undefined || three === undefined) throw new Error("fewer than three");
        expect((await listMembers(one.url)).map(({ name }) => name).sort()).toEqual(["n0", "n1", "n2"]);
        await three.kill();
        // Whether the lost one led is chance: a member may say that it is well until it has missed the leader.
        await waitUntil("a write through the other two", () =>
          put(one.url, "key", "value").then(
            () => true,
            () => false,
          ),
        );
        await three.restart();
        await three.waitHealthy();
        expect(await get(three.url, "key")).toBe("value");
        const ids = async (): Promise<string[]> => (await listMembers(one.url)).map(({ ID }) => ID).sort();
        const before = await ids();
        await three.wipe();
        await three.waitHealthy();
        expect(await ids()).not.toEqual(before);
        expect(await get(three.url, "key")).toBe("value");
      } finally {
        await Promise.all(members.map((member) => member.stop()));
      }
    });
  });
} else {
  describe("etcd", () => {
    it("is not there and was not required", async () => {
      await expect(startEtcd()).rejects.toThrow("No etcd is available");
    });
  });
}
