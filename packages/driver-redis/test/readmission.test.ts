// SPDX-License-Identifier: Apache-2.0
import { cp, rm } from "node:fs/promises";
import { physicalMs } from "@tsoracle/core";
import { type RedisServer, startRedisNodes, waitUntil } from "@tsoracle/test-services";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toBallot } from "../src/ballot.ts";
import { admitRedisNodes, forceReinitRedis, redisStatus, trustRedisRestarts } from "../src/index.ts";
import { checkOracleOptions, checkReadmission } from "../src/options.ts";
import { Cluster, type Peer, type SeenReign } from "./cluster.ts";
import { TEST_TERMS } from "./subject.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

let servers: readonly RedisServer[];
beforeEach(async () => {
  servers = await startRedisNodes(3);
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

const at = (index: number): RedisServer => servers[index] as RedisServer;

/** Persists as soon as it can be done, under whatever reign there is by then. */
async function persistEventually(peer: Peer, value: number): Promise<number> {
  return await waitUntil(
    `${value} to be persisted`,
    async () => await peer.persist(value, await peer.reign()).catch(() => undefined),
    { timeoutMs: 30_000 },
  );
}

async function register(cluster: Cluster, node: number): Promise<Record<string, string>> {
  const flat = (await cluster.command(node, "HGETALL", cluster.key).catch(() => [])) as string[];
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : [])));
}

/** Resolves to the first register that a node shows which has lost its own. */
async function admitted(cluster: Cluster, node: number, before: SeenReign): Promise<Record<string, string>> {
  return await waitUntil("the node to be admitted", async () => {
    const fields = await register(cluster, node);
    if (fields["v"] === undefined) return undefined;
    // From its first moment on: it never shows a register of an epoch that it may have helped to elect.
    expect((fields["p"] ?? "") > toBallot(before.epoch)).toBe(true);
    return fields;
  });
}

describe("a node that is wiped while servers run", () => {
  it("is admitted by the leader under a newer epoch, with all that was acknowledged, and votes again", async () => {
    const cluster = await Cluster.create(servers);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    const old = await register(cluster, 0);
    await at(0).wipe();
    const fields = await admitted(cluster, 0, reign);
    expect(fields).toMatchObject({
      hw: "1000",
      cid: old["cid"],
      n: "3",
      ttl: String(TEST_TERMS.tenureMs),
      tr: "never",
    });
    expect(fields["nid"]).not.toBe(old["nid"]);
    const next = await peer.reign();
    expect(next.epoch).toBeGreaterThan(reign.epoch);
    expect(reign.tenure.valid()).toBe(false);
    await expect(peer.persist(9_000, reign)).rejects.toMatchObject({ code: "fenced" });
    expect(await persistEventually(peer, 2_000)).toBe(2_000);
    await at(1).kill();
    expect(await persistEventually(peer, 3_000)).toBe(3_000);
    expect(await cluster.command(0, "HGET", cluster.key, "hw")).toBe("3000");
  });

  it("loses nothing that was acknowledged while it was wiped with a write on its way", async () => {
    const cluster = await Cluster.create(servers);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    for (const proxy of peer.proxies.slice(1)) proxy.set({ up: "hold" });
    const write = peer.persist(5_000, reign).catch(() => 0);
    await waitUntil("node 0 to have it", async () => (await cluster.held())[0] === 5_000);
    const wiped = at(0).wipe();
    for (const proxy of peer.proxies.slice(1)) proxy.set({ up: "pass" });
    const acknowledged = await write;
    await wiped;
    await admitted(cluster, 0, reign);
    const held = (await cluster.held()).map((value) => value ?? 0).sort((a, b) => a - b);
    expect(held[1]).toBeGreaterThanOrEqual(acknowledged);
    expect(await persistEventually(peer, 2_000)).toBeGreaterThanOrEqual(Math.max(2_000, acknowledged));
  });

  it("does not count for a candidate whose promise it had given before it was wiped", async () => {
    const cluster = await Cluster.create(servers);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    await using candidate = await cluster.open();
    // The candidate reaches node 0 only, and its dampener is gone; the replies of the others wait on the way.
    for (const proxy of candidate.proxies.slice(1)) proxy.set({ up: "hold" });
    await waitUntil("node 0 to promise", async () => {
      // Again and again, since the leader may renew in between.
      await cluster.command(0, "HSET", cluster.key, "lx", "0");
      candidate.driver.stand();
      return (await register(cluster, 0))["p"] !== toBallot(reign.epoch);
    });
    await at(0).wipe();
    await admitted(cluster, 0, reign);
    for (const proxy of candidate.proxies) proxy.set({ up: "pass" });
    await persistEventually(peer, 2_000);
    expect((await candidate.state())?.role).not.toBe("leader");
    expect(await peer.driver.loadHighWater()).toBe(2_000);
  });

  it("is left to the operator where this process has never seen it vote", async () => {
    const cluster = await Cluster.create(servers);
    await cluster.command(0, "DEL", cluster.key);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    const until = performance.now() + 1.5 * TEST_TERMS.tenureMs;
    let value = 1_000;
    await waitUntil("more than a tenure to pass", async () => {
      // On a busy disk an answer may come too late; what is asked next is above it all the same.
      value += 1;
      await peer.persist(value, reign).catch(() => {});
      return performance.now() > until;
    });
    expect(await cluster.command(0, "EXISTS", cluster.key)).toBe(0);
    expect(peer.warnings.map(({ message }) => message).join()).toMatch(/no register.*runbook/);
  });
});

describe("where restarts are not trusted", () => {
  const strict = { trustRestart: "never" } as const;
  const trusting = { trustRestart: "aof-always" } as const;

  it("a node that restarts has no vote until the leader admits it, and keeps its data", async () => {
    const cluster = await Cluster.create(servers, strict);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    const old = await register(cluster, 0);
    peer.cut(1);
    await at(0).kill();
    await at(0).restart();
    // With node 1 out of reach nobody can be elected to admit it, so its data alone must not count.
    const told = (): boolean => peer.warnings.some(({ message }) => /has restarted.*not trusted/.test(message));
    await waitUntil("the operator to be told", told);
    await expect(peer.persist(2_000, reign)).rejects.toMatchObject({ code: expect.stringMatching(/uncertain|not_le/) });
    expect((await register(cluster, 0))["hw"]).toBe("1000");
    peer.heal(1);
    await waitUntil("node 0 to be admitted", async () => (await register(cluster, 0))["rid"] !== old["rid"]);
    const fields = await register(cluster, 0);
    expect(fields).toMatchObject({ nid: old["nid"], cid: old["cid"] });
    expect((fields["p"] ?? "") > toBallot(reign.epoch)).toBe(true);
    await at(1).kill();
    expect(await persistEventually(peer, 3_000)).toBe(3_000);
  });

  /** Node 0 goes back to a copy of itself, and the next candidate reaches nodes 0 and 2 only. */
  async function electedAfterRollback(
    cluster: Cluster,
    patienceMs: number,
  ): Promise<{ acknowledged: number; loaded: number | undefined }> {
    const old = await cluster.open();
    const reign = await old.reign();
    await cluster.raiseAll(old, 1_000, reign);
    await at(0).kill();
    await cp(at(0).dataDirectory as string, `${at(0).dataDirectory}.old`, { recursive: true });
    await at(0).restart();
    await persistEventually(old, 2_000);
    await waitUntil("node 0 to vote again", async () => {
      await persistEventually(old, 2_000);
      return (await cluster.held())[0] === 2_000;
    });
    old.cut(2);
    const acknowledged = await persistEventually(old, 5_000);
    await old[Symbol.asyncDispose]();
    await at(0).kill();
    await rm(at(0).dataDirectory as string, { recursive: true });
    await cp(`${at(0).dataDirectory}.old`, at(0).dataDirectory as string, { recursive: true });
    await at(0).restart();
    await using next = await cluster.open();
    next.cut(1);
    const until = performance.now() + patienceMs;
    const led = await waitUntil("a leader, or long enough", async () => {
      if (performance.now() > until) return "nobody";
      const state = await next.state();
      return state?.role === "leader" && state;
    });
    return { acknowledged, loaded: led === "nobody" ? undefined : await next.driver.loadHighWater() };
  }

  it("an old copy of a node elects nobody", async () => {
    const { acknowledged, loaded } = await electedAfterRollback(await Cluster.create(servers, strict), 4_000);
    expect(acknowledged).toBe(5_000);
    expect(loaded).toBeUndefined();
  });

  it("and where they are, it does, and forgets: what the other mode is for", async () => {
    const { acknowledged, loaded } = await electedAfterRollback(await Cluster.create(servers, trusting), 14_000);
    expect(acknowledged).toBe(5_000);
    expect(loaded).toBeLessThan(5_000);
  });

  it("a majority that restarts together stops the oracle, until an operator says that the data is whole", async () => {
    const cluster = await Cluster.create(servers, strict);
    const options = { ...cluster.options, nodes: cluster.urls };
    {
      await using peer = await cluster.open();
      const reign = await peer.reign();
      await cluster.raiseAll(peer, 1_000, reign);
      const healthy = trustRedisRestarts({ ...options, dataIsWhole: true });
      await expect(healthy).rejects.toMatchObject({ message: expect.stringMatching(/3 of 3 nodes vote/) });
      await Promise.all([at(0).kill(), at(1).kill()]);
      await Promise.all([at(0).restart(), at(1).restart()]);
      const isPermanent = async (): Promise<boolean> =>
        await peer.driver.loadHighWater().then(
          () => false,
          (error: { readonly code?: string }) => error.code === "permanent",
        );
      await waitUntil("the loss of trust to be noticed", isPermanent);
      await waitUntil("the tenure to end", () => !reign.tenure.valid());
      expect((await cluster.held()).every((held) => held === 1_000)).toBe(true);
      const message = expect.stringMatching(/has restarted.*redis trust-restart/);
      await expect(cluster.open()).rejects.toMatchObject({ code: "permanent", message });
      expect(await trustRedisRestarts({ ...options, dataIsWhole: true })).toHaveLength(2);
      expect(await persistEventually(peer, 3_000)).toBe(3_000);
    }
    const again = await redisStatus(options);
    expect(again.nodes).toMatchObject([{ votes: true }, { votes: true }, { votes: true }]);
  });

  it("is what an oracle of three nodes begins with, and one of fewer does not", () => {
    const nodes = ["redis://a", "redis://b", "redis://c"];
    expect(checkOracleOptions({ nodes, name: "x" }).trustRestart).toBe("never");
    expect(checkOracleOptions({ nodes: nodes.slice(1), name: "x", acceptDataLoss: true }).trustRestart).toBe(
      "aof-always",
    );
    expect(checkReadmission(undefined, "never")).toBe("automatic");
    expect(checkReadmission(undefined, "aof-always")).toBe("operator");
  });

  it("is agreed by all servers, and the operator's word is asked for", async () => {
    const cluster = await Cluster.create(servers, strict);
    const message = expect.stringMatching(/trust in restarts is never there and aof-always here/);
    await expect(cluster.open(trusting)).rejects.toMatchObject({ code: "permanent", message });
    const options = { ...cluster.options, nodes: cluster.urls };
    const unsaid = trustRedisRestarts({ ...options, dataIsWhole: false as true });
    await expect(unsaid).rejects.toMatchObject({ message: expect.stringMatching(/dataIsWhole/) });
    const other = await Cluster.create(servers, trusting);
    const needless = trustRedisRestarts({ ...other.options, nodes: other.urls, dataIsWhole: true });
    await expect(needless).rejects.toMatchObject({ message: expect.stringMatching(/trusts restarts anyway/) });
  });

  it("nodes that restarted one after another while no server ran are admitted by a command", async () => {
    const cluster = await Cluster.create(servers, strict);
    const options = { ...cluster.options, nodes: cluster.urls };
    await at(2).kill();
    await at(2).restart();
    const before = (await register(cluster, 2))["rid"];
    expect(await admitRedisNodes({ ...options, serversAreStopped: true })).toEqual([`127.0.0.1:${at(2).port}`]);
    expect((await register(cluster, 2))["rid"]).not.toBe(before);
    expect(await admitRedisNodes({ ...options, serversAreStopped: true })).toEqual([]);
  });
});

describe("force-reinit", () => {
  it("makes an oracle anew above everything, after a majority was lost", async () => {
    const cluster = await Cluster.create(servers);
    const options = { ...cluster.options, nodes: cluster.urls };
    const ahead = 40_000_000_000_000;
    let last = 0n;
    {
      await using peer = await cluster.open();
      const reign = await peer.reign();
      last = reign.epoch;
      await cluster.raiseAll(peer, ahead, reign);
    }
    await Promise.all([at(0).wipe(), at(1).wipe()]);
    const status = await redisStatus(options);
    expect(status.highWater).toBeUndefined();
    expect(status.nodes).toMatchObject([{ votes: false }, { votes: false }, { votes: false, holds: ahead }]);
    const unsaid = forceReinitRedis({ ...options, atLeast: physicalMs(0), serversAreStopped: false as true });
    await expect(unsaid).rejects.toMatchObject({ message: expect.stringMatching(/serversAreStopped/) });
    const result = await forceReinitRedis({ ...options, atLeast: physicalMs(7), serversAreStopped: true });
    expect(result.highWater).toBe(ahead);
    expect(result.epoch).toBeGreaterThan(last);
    await using peer = await cluster.open();
    expect(await peer.driver.loadHighWater()).toBe(ahead);
    expect((await peer.reign()).epoch).toBeGreaterThan(result.epoch);
    expect(await persistEventually(peer, ahead + 1)).toBe(ahead + 1);
  });

  it("goes on above the clock when nothing at all is left, and above itself when it is repeated", async () => {
    const cluster = await Cluster.create(servers);
    const options = { ...cluster.options, nodes: cluster.urls };
    await Promise.all(servers.map((_, node) => cluster.command(node, "DEL", cluster.key)));
    const begun = Date.now();
    const first = await forceReinitRedis({ ...options, atLeast: physicalMs(0), serversAreStopped: true });
    expect(first.highWater).toBeGreaterThan(begun + 3_500);
    await Promise.all(servers.map((_, node) => cluster.command(node, "DEL", cluster.key)));
    const tenure = { tenureMs: TEST_TERMS.tenureMs + 200, drift: TEST_TERMS.drift };
    const longer = { ...options, tenure };
    const second = await forceReinitRedis({ ...longer, atLeast: physicalMs(0), serversAreStopped: true });
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await using peer = await cluster.open({ tenure });
    expect(await peer.driver.loadHighWater()).toBe(second.highWater);
  });

  it("touches nothing while a server writes, or while a node does not answer", async () => {
    const cluster = await Cluster.create(servers);
    const options = { ...cluster.options, nodes: cluster.urls };
    const reinit = (): Promise<unknown> =>
      forceReinitRedis({ ...options, atLeast: physicalMs(0), serversAreStopped: true });
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await expect(reinit()).rejects.toMatchObject({ code: "transient", message: expect.stringMatching(/still writes/) });
    await cluster.raiseAll(peer, 1_000, reign);
    await at(2).kill();
    await expect(reinit()).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/not reachable/),
    });
    const goesOn = (): Promise<number | undefined> => peer.persist(2_000, reign).catch(() => undefined);
    expect(await waitUntil("its reign to go on", goesOn)).toBe(2_000);
  });
});
