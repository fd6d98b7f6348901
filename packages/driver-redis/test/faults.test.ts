// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { type RedisServer, startRedisNodes, waitUntil } from "@tsoracle/test-services";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toBallot } from "../src/ballot.ts";
import { admitRedisNodes } from "../src/index.ts";
import { Cluster, type Peer, type SeenReign, UNHURRIED } from "./cluster.ts";
import { TEST_TERMS } from "./subject.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

let servers: readonly RedisServer[];
beforeEach(async () => {
  servers = await startRedisNodes(3, () => ({ args: ["--enable-protected-configs", "yes"] }));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

/** Persists as soon as it can be done, under whatever reign there is by then. */
async function persistEventually(peer: Peer, value: number): Promise<number> {
  return await waitUntil(
    `${value} to be persisted`,
    async () => await peer.persist(value, await peer.reign()).catch(() => undefined),
    { timeoutMs: 30_000 },
  );
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return await call.then(
    () => "resolved",
    (error: { readonly code?: string }) => String(error.code),
  );
}

describe("one node of three", () => {
  it.each(["killed", "paused"])(
    "can be %s: the leader goes on, and the node has it all once it is back",
    async (how) => {
      const cluster = await Cluster.create(servers, { ...UNHURRIED, trustRestart: "aof-always" });
      await using peer = await cluster.open();
      const reign = await peer.reign();
      const node = servers[1] as RedisServer;
      if (how === "killed") await node.kill();
      else await node.pause();
      for (const value of [1_000, 2_000, 3_000]) expect(await peer.persist(value, reign)).toBe(value);
      expect(await peer.driver.loadHighWater()).toBe(3_000);
      if (how === "killed") await node.restart();
      else await node.resume();
      const caughtUp = async (): Promise<boolean> => {
        await peer.persist(4_000, reign);
        return (await cluster.held())[1] === 4_000;
      };
      await waitUntil("the node to take part again", caughtUp);
      expect(reign.tenure.valid()).toBe(true);
    },
  );

  it("can lose its scripts", async () => {
    const cluster = await Cluster.create(servers, UNHURRIED);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await Promise.all(servers.map((_, node) => cluster.command(node, "SCRIPT", "FLUSH")));
    expect(await peer.persist(1_000, reign)).toBe(1_000);
    await waitUntil("every node to have it", async () => (await cluster.held()).every((held) => held === 1_000));
  });

  it("can be wiped: it has no vote until it is admitted, and the operator is told", async () => {
    const cluster = await Cluster.create(servers, UNHURRIED);
    {
      await using peer = await cluster.open({ readmission: "operator" });
      const reign = await peer.reign();
      await cluster.raiseAll(peer, 1_000, reign);
      await (servers[0] as RedisServer).wipe();
      const isTold = (): boolean => peer.warnings.some(({ message }) => /holds no register.*runbook/.test(message));
      await waitUntil("the operator to be told", isTold);
      expect(await peer.persist(2_000, reign)).toBe(2_000);
      expect(await cluster.command(0, "EXISTS", cluster.key)).toBe(0);
      const nodes = cluster.urls;
      // While a server holds the nodes, nobody takes them.
      const early = admitRedisNodes({ ...cluster.options, nodes, serversAreStopped: true });
      await expect(early).rejects.toMatchObject({
        code: "transient",
        message: expect.stringMatching(/Stop every server/),
      });
      expect(await peer.persist(2_500, reign)).toBe(2_500);
    }
    const admitted = await admitRedisNodes({ ...cluster.options, nodes: cluster.urls, serversAreStopped: true });
    expect(admitted).toEqual([`127.0.0.1:${servers[0]?.port}`]);
    expect((await cluster.held())[0]).toBe(2_500);
    await using again = await cluster.open();
    expect(again.warnings).toEqual([]);
    await (servers[1] as RedisServer).kill();
    expect(await persistEventually(again, 3_000)).toBe(3_000);
    expect(await cluster.command(0, "HGET", cluster.key, "hw")).toBe("3000");
  });
});

describe("two nodes of three", () => {
  it("killed: nothing is acknowledged, the tenure ends, and with the nodes the service comes back", async () => {
    const cluster = await Cluster.create(servers, { trustRestart: "aof-always" });
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    const gone = servers.slice(0, 2);
    await Promise.all(gone.map((server) => server.kill()));
    expect(await codeOf(peer.persist(2_000, reign))).toBe("uncertain");
    expect(await codeOf(peer.driver.loadHighWater())).toMatch(/transient|uncertain/);
    await waitUntil("the tenure to end", () => !reign.tenure.valid());
    await waitUntil("it to step down", async () => (await peer.state())?.role !== "leader");
    expect(await codeOf(peer.persist(2_500, reign))).toMatch(/not_leader|fenced/);
    await Promise.all(gone.map((server) => server.restart()));
    expect(await persistEventually(peer, 3_000)).toBe(3_000);
  });

  it("wiped: it needs a person, and says so", async () => {
    const cluster = await Cluster.create(servers, UNHURRIED);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    await Promise.all(servers.slice(0, 2).map((server) => server.wipe()));
    const isPermanent = async (): Promise<boolean> => (await codeOf(peer.driver.loadHighWater())) === "permanent";
    await waitUntil("the loss to be noticed", isPermanent);
    expect(await codeOf(peer.persist(2_000, reign))).toMatch(/permanent|not_leader|fenced/);
    expect(await cluster.held()).toEqual([undefined, undefined, expect.any(Number)]);
  });

  const refusals: readonly (readonly [
    what: string,
    set: readonly (readonly string[])[],
    heal: readonly string[],
    says: RegExp,
  ])[] = [
    ["out of memory", [["CONFIG", "SET", "maxmemory", "1"]], ["CONFIG", "SET", "maxmemory", "0"], /OOM.*maxmemory/],
    ["replicas", [["REPLICAOF", "127.0.0.1", "1"]], ["REPLICAOF", "NO", "ONE"], /READONLY.*independent master/],
    [
      "unable to save",
      [["CONFIG", "SET", "dir", "/proc"], ["CONFIG", "SET", "save", "3600 1"], ["BGSAVE"]],
      ["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"],
      /MISCONF.*its disk/,
    ],
    [
      "missing replicas",
      [["CONFIG", "SET", "min-replicas-to-write", "1"]],
      ["CONFIG", "SET", "min-replicas-to-write", "0"],
      /NOREPLICAS/,
    ],
  ];
  it.each(refusals)(
    "%s: the write is refused, nothing is served that is not covered, and it heals",
    async (what, set, heal, says) => {
      const cluster = await Cluster.create(servers, UNHURRIED);
      await using peer = await cluster.open();
      const reign = await peer.reign();
      await cluster.raiseAll(peer, 1_000, reign);
      for (const node of [0, 1]) {
        for (const command of set) await cluster.command(node, ...command);
        if (what === "unable to save") {
          const hasFailed = async (): Promise<boolean> =>
            String(await cluster.command(node, "INFO", "persistence")).includes("rdb_last_bgsave_status:err");
          await waitUntil("the save to fail", hasFailed);
        }
      }
      const refused = peer.persist(2_000, reign);
      await expect(refused).rejects.toMatchObject({ code: "uncertain", message: expect.stringMatching(says) });
      expect((await cluster.held()).slice(0, 2)).toEqual([1_000, 1_000]);
      for (const node of [0, 1]) await cluster.command(node, ...heal);
      expect(await persistEventually(peer, 3_000)).toBe(3_000);
    },
  );

  it("that want another password: permanent, and it goes on once the password is back", async () => {
    const cluster = await Cluster.create(servers, { trustRestart: "aof-always" });
    await using peer = await cluster.open();
    await cluster.raiseAll(peer, 1_000, await peer.reign());
    for (const node of [0, 1]) {
      await cluster.command(node, "ACL", "SETUSER", "default", "on", "resetpass", ">new", "~*", "+@all");
      peer.proxies[node]?.reset();
    }
    const isPermanent = async (): Promise<boolean> => (await codeOf(peer.driver.loadHighWater())) === "permanent";
    await waitUntil("the refusal to be noticed", isPermanent);
    expect(peer.warnings.map(({ message }) => message).join()).toMatch(/NOAUTH.*password/);
    for (const server of servers.slice(0, 2)) await server.restart();
    expect(await persistEventually(peer, 2_000)).toBe(2_000);
  });

  it("that hold commands back: what timed out may still land, and harms nothing", async () => {
    const cluster = await Cluster.create(servers);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    await cluster.raiseAll(peer, 1_000, reign);
    for (const node of [0, 1]) await cluster.command(node, "CLIENT", "PAUSE", "600", "WRITE");
    expect(await codeOf(peer.persist(5_000, reign))).toBe("uncertain");
    await waitUntil("the late write to land", async () => (await cluster.held()).every((held) => held === 5_000));
    const raised = await persistEventually(peer, 2_000);
    expect(raised).toBe(5_000);
  });
});

describe("a leader", () => {
  it("never says less than it has said, though a node that missed it is among those that answer", async () => {
    const cluster = await Cluster.create(servers, UNHURRIED);
    await using peer = await cluster.open();
    const reign = await peer.reign();
    // Node 2 is gone for one write, and does not get it later.
    await peer.proxies[2]?.refuse();
    peer.proxies[2]?.reset();
    expect(await peer.persist(5_000, reign)).toBe(5_000);
    expect(await cluster.held()).toEqual([5_000, 5_000, expect.any(Number)]);
    await cluster.command(2, "HSET", cluster.key, "hw", "1000");
    await peer.proxies[2]?.accept();
    peer.cut(0);
    const raised = await waitUntil("node 2 to take part", () => peer.persist(2_000, reign).catch(() => undefined));
    expect(raised).toBe(5_000);
    expect(await peer.driver.loadHighWater()).toBe(5_000);
  });
});

describe("a value that a dead leader left on one node", () => {
  it("is not returned by a persist that a majority does not hold it for", async () => {
    const cluster = await Cluster.create(servers);
    await using old = await cluster.open();
    const reign = await old.reign();
    await cluster.raiseAll(old, 1_000, reign);
    old.cut(1, 2);
    expect(await codeOf(old.persist(9_000, reign))).toBe("uncertain");
    await waitUntil("node 0 to have it", async () => (await cluster.held())[0] === 9_000);
    expect((await cluster.held()).slice(1)).toEqual([1_000, 1_000]);
    // Elected by the two others, so that it learns nothing of it; then node 0 answers, and node 2 does not.
    await using next = await cluster.open();
    next.cut(0);
    const newer = await next.reign();
    expect(await next.driver.loadHighWater()).toBe(1_000);
    next.cut(2);
    next.heal(0);
    const persisted = await waitUntil("node 0 to take part", () => next.persist(2_000, newer).catch(() => undefined));
    expect(persisted).toBe(2_000);
    expect((await cluster.held())[0]).toBe(9_000);
  });
});

describe("a leader that is cut off", () => {
  /** What a server would answer from the window that it had persisted: only while the tenure holds. */
  function answer(window: number, { tenure }: SeenReign, checks: boolean): number | undefined {
    return !checks || tenure.valid() ? window : undefined;
  }

  it("stops answering before another begins, and would answer with stale timestamps if it did not check", async () => {
    const cluster = await Cluster.create(servers);
    await using old = await cluster.open();
    const reign = await old.reign();
    await cluster.raiseAll(old, 1_000, reign);
    await using next = await cluster.open();
    old.cut(0, 1, 2);
    const newer = await next.reign();
    expect(reign.tenure.valid()).toBe(false);
    await next.persist(2_000, newer);
    const served = 1_500;
    expect(answer(1_000, reign, true)).toBeUndefined();
    expect(answer(1_000, reign, false)).toBeLessThan(served);
    old.heal(0, 1, 2);
    await waitUntil("the old one to see that it is over", async () => (await old.state())?.role === "follower");
    expect(await codeOf(old.persist(3_000, reign))).toBe("fenced");
    expect(await next.driver.loadHighWater()).toBe(2_000);
  });

  it("is waited for, even by one that could be elected at once", async () => {
    const cluster = await Cluster.create(servers);
    await using old = await cluster.open();
    const reign = await old.reign();
    await using next = await cluster.open();
    old.cut(0, 1, 2);
    await cluster.expireDampers();
    next.driver.stand();
    await next.reign();
    expect(reign.tenure.valid()).toBe(false);
  });

  it("is waited for also when the one that waited gave up: its release is not a clean one", async () => {
    const cluster = await Cluster.create(servers);
    await using old = await cluster.open();
    const reign = await old.reign();
    await using second = await cluster.open();
    await using third = await cluster.open();
    old.cut(0, 1, 2);
    await cluster.expireDampers();
    second.driver.stand();
    const newest = async (): Promise<unknown> => await cluster.command(0, "HGET", cluster.key, "p");
    const first = toBallot(reign.epoch);
    const promised = await waitUntil("the second to be elected", async () => {
      const ballot = await newest();
      return ballot !== first && ballot;
    });
    expect(reign.tenure.valid()).toBe(true);
    await waitUntil("the second to have begun its wait", async () => {
      await second.driver.resign("the test asks for it");
      return (await cluster.command(0, "HGET", cluster.key, "lx")) === "0";
    });
    expect(await cluster.command(0, "HGET", cluster.key, "cl")).not.toBe(promised);
    third.driver.stand();
    await Promise.any([second.reign(), third.reign()]);
    expect(reign.tenure.valid()).toBe(false);
  });
});

describe("a healthy leader", () => {
  it("is not deposed by the clocks of nodes", async () => {
    const cluster = await Cluster.create(servers);
    await using leader = await cluster.open();
    const reign = await leader.reign();
    await using follower = await cluster.open();
    const until = performance.now() + 1.5 * TEST_TERMS.tenureMs;
    await waitUntil("more than a tenure to pass", async () => {
      await cluster.expireDampers();
      return performance.now() > until;
    });
    expect(await leader.state()).toMatchObject({ role: "leader", epoch: reign.epoch });
    expect(await follower.state()).toMatchObject({ role: "follower", leaderEpoch: reign.epoch });
    expect(await cluster.command(0, "HGET", cluster.key, "p")).toBe(toBallot(reign.epoch));
  });

  it("shares its nodes with another oracle without noticing", async () => {
    const [one, two] = [await Cluster.create(servers, UNHURRIED), await Cluster.create(servers, UNHURRIED)];
    await using first = await one.open();
    await using second = await two.open();
    const [reign, other] = [await first.reign(), await second.reign()];
    await Promise.all([first.persist(1_000, reign), second.persist(70_000, other)]);
    await second.driver.resign("the test asks for it");
    expect(await first.driver.loadHighWater()).toBe(1_000);
    expect(await second.driver.loadHighWater()).toBe(70_000);
    expect(await first.persist(1_500, reign)).toBe(1_500);
    const foreign = first.driver.persistHighWater(physicalMs(90_000), other.epoch);
    expect(await codeOf(foreign)).toMatch(/not_leader|fenced/);
    expect(await first.driver.loadHighWater()).toBe(1_500);
  });

  it("is followed by ever larger epochs, over many hand-overs", async () => {
    const cluster = await Cluster.create(servers, UNHURRIED);
    await using first = await cluster.open();
    await using second = await cluster.open();
    let last = -1n;
    for (let round = 0; round < 20; round += 1) {
      const [leaving, next] = round % 2 === 0 ? [second, first] : [first, second];
      await leaving.driver.resign("the test asks for it");
      next.driver.stand();
      const { epoch } = await next.reign();
      expect(epoch).toBeGreaterThan(last);
      last = epoch;
      await next.persist(round * 10, { ...(await next.reign()) });
    }
  });
});
