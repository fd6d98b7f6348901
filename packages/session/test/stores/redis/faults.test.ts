// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { FencedJournal, JournalErrorCode } from "@tsoracle/consensus";
import { FaultProxy, type RedisServer, startRedisNodes, waitUntil } from "@tsoracle/test-services";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import {
  initRedisJournal,
  openRedisJournal,
  type RedisJournalOptions,
  readmitRedisJournalNodes,
  trustRedisJournalRestarts,
} from "../../../src/redis.ts";
import { keysOf } from "../../../src/stores/redis/options.ts";

const a = { epoch: 1n, owner: "a" };
const b = { epoch: 2n ** 63n, owner: "b" };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Generous: a busy disk is not what these tests are about. */
const CALL_MS = 20_000;

class Cluster implements AsyncDisposable {
  readonly servers: readonly RedisServer[];
  readonly options: RedisJournalOptions;

  private constructor(servers: readonly RedisServer[], options: Partial<RedisJournalOptions>) {
    this.servers = servers;
    const nodes = servers.map(({ url }) => url);
    this.options = { name: `test-${randomUUID()}`, callTimeoutMs: CALL_MS, readmission: "operator", ...options, nodes };
  }

  static async start(count: number, options: Partial<RedisJournalOptions> = {}): Promise<Cluster> {
    const cluster = new Cluster(await startRedisNodes(count), options);
    await initRedisJournal(cluster.options);
    return cluster;
  }

  open(options: Partial<RedisJournalOptions> = {}): Promise<FencedJournal> {
    return openRedisJournal({ ...this.options, ...options });
  }

  server(index: number): RedisServer {
    const server = this.servers[index];
    if (server === undefined) throw new RangeError(`there is no server ${index}`);
    return server;
  }

  /** A connection to a node that the journals know nothing of. */
  direct(index: number): { readonly client: Redis } & AsyncDisposable {
    const client = new Redis(this.server(index).url, { retryStrategy: () => 100 });
    client.on("error", () => {});
    return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

async function refusal(call: Promise<unknown>): Promise<{ code: JournalErrorCode; message: string }> {
  return await call.then(
    () => expect.fail("expected the call to reject"),
    (error: { code: JournalErrorCode; message: string }) => error,
  );
}

/** Repeats a call while nodes come back; an append that may have been done is found done. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!["transient", "uncertain"].includes((error as { code: string }).code)) throw error;
    }
  }
}

async function append(journal: FencedJournal, owner: typeof a, from: number, to: number): Promise<void> {
  for (let seq = from; seq <= to; seq += 1) await journal.append("s", owner, seq, bytes(`${seq}`), BigInt(seq));
}

async function texts(journal: FencedJournal): Promise<string> {
  const { entries } = await eventually(() => journal.load("s"));
  return entries.map(({ entry }) => new TextDecoder().decode(entry)).join(" ");
}

describe("Redis journals while nodes fail", () => {
  it("go on without a minority that is killed or stopped, and lose nothing (G5, G9)", async () => {
    await using cluster = await Cluster.start(5);
    await using journal = await cluster.open();
    await journal.createIfAbsent("s", a);
    await append(journal, a, 1, 3);
    await cluster.server(0).kill();
    await cluster.server(1).pause();
    await append(journal, a, 4, 6);
    await using successor = await cluster.open();
    await eventually(() => successor.takeover("s", b));
    expect((await refusal(journal.append("s", a, 7, bytes("late"), 0n))).code).toBe("fenced");
    await append(successor, b, 7, 8);
    await cluster.server(1).resume();
    await cluster.server(2).kill();
    expect(await texts(successor)).toBe("1 2 3 4 5 6 7 8");
  }, 180_000);

  it("refuse to serve without a majority, in time, and go on when it is back", async () => {
    await using cluster = await Cluster.start(3, { trustRestarts: "aof-always", callTimeoutMs: 2_000 });
    await using journal = await cluster.open();
    await journal.createIfAbsent("s", a);
    await append(journal, a, 1, 1);
    await Promise.all([cluster.server(0).kill(), cluster.server(1).kill()]);
    expect(["transient", "uncertain"]).toContain((await refusal(journal.append("s", a, 2, bytes("2"), 0n))).code);
    expect((await refusal(journal.load("s"))).code).toBe("transient");
    await Promise.all([cluster.server(0).restart(), cluster.server(1).restart()]);
    await eventually(() => journal.append("s", a, 2, bytes("2"), 0n)).catch((error: { code: string }) => {
      expect(error.code).toBe("conflict");
    });
    expect(await texts(journal)).toBe("1 2");
  }, 180_000);
});

describe("Redis nodes that forgot", () => {
  it("have no vote until they are filled, and then hold what was acknowledged before", async () => {
    await using cluster = await Cluster.start(3);
    await using journal = await cluster.open();
    await journal.createIfAbsent("s", a);
    await cluster.server(2).pause();
    await append(journal, a, 1, 3);
    // Nodes 0 and 1 have the entries; 1 forgets them while 2 never had them.
    await cluster.server(1).wipe();
    await cluster.server(2).resume();
    await cluster.server(0).pause();
    await using shortly = await cluster.open({ callTimeoutMs: 1_500 }).catch(() => undefined);
    // One node with a vote is left: the empty one does not make it a majority.
    if (shortly !== undefined) expect((await refusal(shortly.load("s"))).code).toBe("transient");
    await cluster.server(0).resume();
    expect(await readmitRedisJournalNodes(cluster.options)).toHaveLength(1);
    await cluster.server(0).pause();
    await using after = await cluster.open();
    expect(await texts(after)).toBe("1 2 3");
    await append(after, a, 4, 4);
  }, 180_000);

  it("are filled by whoever has the journals open, if that is asked for", async () => {
    await using cluster = await Cluster.start(3, { readmission: "automatic" });
    const warnings: string[] = [];
    await using journal = await cluster.open({ onWarning: ({ message }) => warnings.push(message) });
    await journal.createIfAbsent("s", a);
    await append(journal, a, 1, 3);
    await cluster.server(0).wipe();
    // Asked at the node itself: nobody but the open journal fills it.
    await using server = cluster.direct(0);
    const { mark } = keysOf(cluster.options.name ?? "");
    const isWhole = async (): Promise<boolean> => (await server.client.hget(mark, "st").catch(() => "")) === "whole";
    await waitUntil("the empty node to have a vote again", isWhole, { timeoutMs: 120_000 });
    await cluster.server(1).pause();
    expect(await texts(journal)).toBe("1 2 3");
    await append(journal, a, 4, 4);
    expect(await texts(journal)).toBe("1 2 3 4");
  }, 180_000);

  it("may be believed after a restart only where that was chosen, or an operator says so", async () => {
    await using cluster = await Cluster.start(3);
    await using journal = await cluster.open({ callTimeoutMs: 3_000 });
    await journal.createIfAbsent("s", a);
    await append(journal, a, 1, 2);
    for (const server of cluster.servers) await server.restart();
    expect((await refusal(journal.load("s"))).code).toBe("transient");
    expect(await trustRedisJournalRestarts(cluster.options)).toHaveLength(3);
    expect(await texts(journal)).toBe("1 2");
  }, 180_000);
});

describe("Redis servers that are set up wrongly", () => {
  it.each([
    ["appendfsync", ["--appendfsync", "everysec"], "appendfsync"],
    ["appendonly", ["--appendonly", "no"], "appendonly"],
    ["eviction", ["--maxmemory-policy", "allkeys-lru"], "noeviction"],
  ])("are refused with advice: %s", async (_what, args, advice) => {
    const servers = await startRedisNodes(3, (index) => (index === 1 ? { args } : {}));
    try {
      const options = { nodes: servers.map(({ url }) => url), callTimeoutMs: CALL_MS };
      const { code, message } = await refusal(initRedisJournal(options));
      expect(code).toBe("permanent");
      expect(message).toContain(advice);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });

  it("are given longer than a call of a journal when they are only slow", async () => {
    const servers = await startRedisNodes(3);
    await using slow = await FaultProxy.open(servers[2] as RedisServer);
    slow.set({ up: { delayMs: 250 } });
    const urls = servers.map(({ url }) => url);
    const slowly = { nodes: [...urls.slice(0, 2), slow.url(urls[2] ?? "")], callTimeoutMs: 200 };
    try {
      await initRedisJournal(slowly);
      await servers[2]?.restart();
      expect(await readmitRedisJournalNodes(slowly)).toHaveLength(1);
      await Promise.all(servers.map((server) => server.restart()));
      expect(await trustRedisJournalRestarts(slowly)).toHaveLength(3);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }, 60_000);

  it("are refused when they hold journals already, were made for other numbers, or are one server twice", async () => {
    await using cluster = await Cluster.start(3);
    expect((await refusal(initRedisJournal(cluster.options))).message).toContain("holds journals");
    const otherwise = await refusal(cluster.open({ trustRestarts: "aof-always" }));
    expect(otherwise).toMatchObject({ code: "permanent" });
    expect(otherwise.message).toContain("trust in restarts never");
    const [first = "", second = ""] = cluster.options.nodes.map(String);
    const twice = {
      ...cluster.options,
      name: "twice",
      nodes: [first, second, first.replace("127.0.0.1", "localhost")],
    };
    expect((await refusal(initRedisJournal(twice))).message).toContain("same server");
    expect((await refusal(openRedisJournal({ nodes: [first, second] }))).code).toBe("invalid");
    expect((await refusal(openRedisJournal({ nodes: [first, first, second] }))).code).toBe("invalid");
  }, 60_000);
});
