// SPDX-License-Identifier: Apache-2.0
import { startRedis, useRedis, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { initRedisNodes, openRedisDriver, redisStatus } from "../src/index.ts";
import { ask, Cluster, UNHURRIED } from "./cluster.ts";

vi.setConfig({ testTimeout: 60_000 });

// Without the delay that a master waits for more replicas.
const good = useRedis({ beforeAll, afterAll }, 5, () => ({ args: ["--repl-diskless-sync-delay", "0"] }));
const three = (): ReturnType<typeof good> => good().slice(0, 3);

describe("a node that must not hold a register", () => {
  const rows: readonly (readonly [what: string, args: readonly string[], message: RegExp])[] = [
    ["answers before the write is on disk", ["--appendfsync", "everysec"], /appendfsync everysec.*set it to always/],
    ["keeps no append-only file", ["--appendonly", "no"], /appendonly no.*set appendonly yes/],
    ["skips the fsync during a rewrite", ["--no-appendfsync-on-rewrite", "yes"], /no-appendfsync-on-rewrite yes/],
    ["may evict the register", ["--maxmemory-policy", "allkeys-lru"], /allkeys-lru.*noeviction/],
    ["is part of a cluster", ["--cluster-enabled", "yes"], /cluster-enabled yes/],
    ["is a replica", ["--replicaof", "127.0.0.1", "1"], /is a replica/],
    ["wants a password", ["--requirepass", "secret"], /NOAUTH.*password/],
  ];
  it.each(rows)("that %s is refused at init, and nothing is written anywhere", async (_, args, message) => {
    await using bad = await startRedis({ args });
    const cluster = new Cluster([bad, ...good().slice(0, 2)]);
    const init = initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    await expect(init).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(message) });
    expect(await cluster.command(1, "EXISTS", cluster.key)).toBe(0);
    expect(await cluster.command(2, "EXISTS", cluster.key)).toBe(0);
  });

  it("that was a replica and has been promoted is refused", async () => {
    await using promoted = await startRedis();
    await ask(promoted.url, "REPLICAOF", "127.0.0.1", good()[4]?.port ?? 0);
    const isSynced = async (): Promise<boolean> =>
      String(await ask(promoted.url, "INFO", "replication")).includes("master_link_status:up");
    await waitUntil("the replica to be in sync", isSynced, { timeoutMs: 30_000 });
    await ask(promoted.url, "REPLICAOF", "NO", "ONE");
    const cluster = new Cluster([promoted, ...good().slice(0, 2)]);
    const init = initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    await expect(init).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/promoted/) });
  });
});

describe("a node that is not ready", () => {
  it("has no vote until it writes the append-only file that was turned on while it ran", async () => {
    await using late = await startRedis({ args: ["--appendonly", "no", "--rdb-key-save-delay", "3000"] });
    await ask(late.url, "EVAL", "for i=1,1500 do redis.call('SET','filler:'..i,'x') end", 0);
    await ask(late.url, "CONFIG", "SET", "appendonly", "yes");
    const cluster = new Cluster([late, ...good().slice(0, 2)]);
    const init = (): Promise<string> => initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    await expect(init()).rejects.toMatchObject({ message: expect.stringMatching(/is rewriting its append-only file/) });
    const isDone = async (): Promise<boolean> =>
      String(await ask(late.url, "INFO", "persistence")).includes("aof_rewrite_in_progress:0");
    await waitUntil("the first rewrite to end", isDone, { timeoutMs: 30_000 });
    expect(await init()).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("the list of nodes", () => {
  const advertise = "127.0.0.1:50051";

  it.each([
    [[], /expected a list/],
    [["redis://a:1", "redis://b:1"], /three or more.*got 2/],
    [["redis://a:1", "redis://b:1", "redis://a:1"], /a:1 is named twice/],
    [["redis://a:1/0", "redis://b:1", "redis://a:1/1"], /a:1 is named twice/],
    [["redis://a:1/0", "redis://b:1/1", "redis://c:1"], /the same database number for every node/],
    [["redis://a:1", "redis://b:1", "redis://u:%zz@c:1"], /node 3: .*broken % escape/],
    [["redis://a:1", "redis://b:1", "c:1"], /node 3: expected redis/],
    [["redis://a:1", "redis://b:1", "redis://c:1/x"], /node 3.*database number/],
    [["redis://a:1", "redis://b:1", "sentinel://c:1"], /node 3: expected redis/],
  ])("%j is refused before anything is connected", async (nodes, message) => {
    const open = openRedisDriver({ nodes, name: "x", advertise });
    await expect(open).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(message) });
  });

  it.each([
    [{ name: "a b" }, /name: /],
    [{ name: "{}" }, /name: /],
    [{ name: "ü" }, /name: /],
    [{ name: "" }, /name: /],
    [{ trustRestart: "always" as never }, /trustRestart: expected "aof-always" or "never"/],
    [{ readmission: "never" as never }, /readmission: expected "automatic" or "operator"/],
    [{ advertise: "http://h:1" }, /advertise: /],
    [{ advertise: `${"h".repeat(255)}:1` }, /advertise: /],
    [{ opTimeoutMs: 750 }, /opTimeoutMs: .*quarter/],
    [{ tenure: { tenureMs: 999, drift: 0.1 } }, /tenure/],
  ])("other options are checked too: %j", async (over, message) => {
    const nodes = ["redis://a:1", "redis://b:1", "redis://c:1"];
    const open = openRedisDriver({ nodes, name: "x", advertise, ...over });
    await expect(open).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(message) });
  });

  it("never shows a password in an error", async () => {
    const nodes = ["redis://user:hunter2@[", "redis://b:1", "redis://c:1"];
    await expect(openRedisDriver({ nodes, name: "x", advertise })).rejects.not.toThrow(/hunter2/);
  });

  it("that names one server twice under two addresses is refused", async () => {
    const cluster = await Cluster.create(three());
    const [first, second] = cluster.urls as [string, string];
    const nodes = [first, second, first.replace("127.0.0.1", "localhost")];
    const open = openRedisDriver({ ...cluster.options, nodes, advertise });
    await expect(open).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/same server as/) });
    const init = initRedisNodes({ ...cluster.options, name: "twice", nodes });
    await expect(init).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/same server as/) });
  });

  it("that is not the one the register was made for is refused", async () => {
    const cluster = await Cluster.create(three());
    const nodes = good().map(({ url }) => url);
    const open = openRedisDriver({ ...cluster.options, nodes, advertise });
    const message = expect.stringMatching(/number of nodes is 3 there and 5 here/);
    await expect(open).rejects.toMatchObject({ code: "permanent", message });
  });
});

describe("a register", () => {
  it("is made once", async () => {
    const cluster = await Cluster.create(three());
    const again = initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    const message = expect.stringMatching(/nothing was written.*holds a register of this name already/);
    await expect(again).rejects.toMatchObject({ code: "permanent", message });
  });

  it("that was never made is not made by a server", async () => {
    const cluster = new Cluster(three());
    await expect(cluster.open()).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/holds no register.*init/),
    });
    expect(await cluster.command(0, "EXISTS", cluster.key)).toBe(0);
  });

  it.each([
    [{ tenure: { tenureMs: 4_000, drift: 0.1 } }, /tenure in ms is 2000 there and 4000 here/],
    [{ tenure: { tenureMs: 2_000, drift: 0.2 } }, /clock drift in ppm is 100000 there and 200000 here/],
    [{ freshness: "confirm" } as const, /freshness mode is lease there and confirm here/],
  ])("made with other terms is refused, and not touched: %j", async (over, message) => {
    const cluster = await Cluster.create(three());
    const before = await cluster.command(0, "DUMP", cluster.key);
    await expect(cluster.open(over)).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(message),
    });
    expect(await cluster.command(0, "DUMP", cluster.key)).toEqual(before);
  });

  it("that expires, or is of another cluster, has no vote on that node, and a majority of such is refused", async () => {
    const cluster = await Cluster.create(three(), UNHURRIED);
    await cluster.command(0, "EXPIRE", cluster.key, 1_000);
    {
      await using peer = await cluster.open();
      const reign = await peer.reign();
      expect(await peer.persist(1_000, reign)).toBe(1_000);
      expect(peer.warnings).toEqual([{ node: expect.any(String), message: expect.stringMatching(/expires/) }]);
      expect((await cluster.held())[0]).toBe(0);
    }
    await cluster.command(1, "HSET", cluster.key, "cid", "another");
    await cluster.command(2, "HSET", cluster.key, "v", "9");
    await expect(cluster.open()).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/expires.*version 9/),
    });
  });

  it("on one node, or where answers are not durable, needs acceptDataLoss, and says what that means", async () => {
    await using weak = await startRedis({ args: ["--appendonly", "no"] });
    const one = new Cluster([weak], { ...UNHURRIED, acceptDataLoss: true });
    await initRedisNodes({ ...one.options, nodes: one.urls });
    await using peer = await one.open();
    expect(peer.driver.capabilities).toMatchObject({ durability: "asynchronous", realTimeOrder: "lease" });
    expect(await peer.persist(1_000, await peer.reign())).toBe(1_000);
    const strict = openRedisDriver({ ...one.options, acceptDataLoss: false, nodes: one.urls, advertise: "h:1" });
    await expect(strict).rejects.toMatchObject({ code: "permanent", message: expect.stringMatching(/got 1/) });
  });

  it.each([1, 2, 4])("works on %i nodes", async (count) => {
    const cluster = await Cluster.create(good().slice(0, count), { ...UNHURRIED, acceptDataLoss: count < 3 });
    await using peer = await cluster.open();
    expect(await peer.persist(1_000, await peer.reign())).toBe(1_000);
    await waitUntil("every node to have it", async () => (await cluster.held()).every((held) => held === 1_000));
    const told = peer.warnings.map(({ message }) => message);
    const { warnings } = await redisStatus({ ...cluster.options, nodes: cluster.urls });
    expect(warnings).toEqual(told);
    if (count === 1) expect(told).toEqual([]);
    else
      expect(told).toEqual([expect.stringMatching(count === 2 ? /^2 nodes survive.*none/ : /^4 nodes.*as 3 do.*odd/)]);
  });
});

describe("an account", () => {
  it("that options name wins over the one in the URL, and that of a node over that for all", async () => {
    await using guarded = await startRedis({ args: ["--requirepass", "right"] });
    const servers = [guarded, ...good().slice(0, 2)];
    const [url, ...others] = servers.map((server) => server.url) as [string, ...string[]];
    const wrong = url.replace("redis://", "redis://:wrong@");
    const { options, key } = new Cluster(servers);
    const plain = others.map((other) => ({ url: other, password: undefined }));
    await expect(initRedisNodes({ ...options, nodes: [wrong, ...plain] })).rejects.toMatchObject({
      message: expect.stringMatching(/WRONGPASS/),
    });
    await initRedisNodes({ ...options, nodes: [{ url: wrong, password: "right" }, ...plain] });
    expect(await ask(url.replace("redis://", "redis://:right@"), "EXISTS", key)).toBe(1);
    const nested = [{ url: wrong, password: "wrong as well" }, ...others];
    const init = initRedisNodes({ ...options, name: "nested", nodes: nested, password: "right" });
    await expect(init).rejects.toMatchObject({ message: expect.stringMatching(/WRONGPASS/) });
  });

  it("with the rights that the README lists can prepare nodes and serve", async () => {
    const rights = [
      ..."+hmget +hset +hget +hexists +time +info +pttl +eval +evalsha +script|load +ping".split(" "),
      ..."+hello +auth +select +client|setname +config|get".split(" "),
    ];
    for (const { url } of three()) {
      await ask(url, "ACL", "SETUSER", "oracle", "reset", "on", ">pass word", "~{tso:*", ...rights);
    }
    const cluster = await Cluster.create(three(), { ...UNHURRIED, username: "oracle", password: "pass word" });
    await using peer = await cluster.open();
    expect(await peer.persist(1_000, await peer.reign())).toBe(1_000);
    await peer.driver.resign("the test is over");
    for (const { url } of three()) await ask(url, "ACL", "DELUSER", "oracle");
    await expect(cluster.open()).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/WRONGPASS.*password/),
    });
  });
});
