// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";
import { type Epoch, peerEndpoint, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { quorumDriver } from "../../src/driver.ts";
import { QuorumPolicy } from "../../src/index.ts";
import { type ReplaceableDriver, ReplaceableStore, unreachable } from "./replaceable-store.ts";

type Leading = LeaderState & { readonly role: "leader" };
type Stores = readonly [ReplaceableStore, ReplaceableStore, ReplaceableStore];

interface Node extends AsyncDisposable {
  readonly driver: ConsensusDriver;
  readonly members: readonly ReplaceableDriver[];
}

function newStores(): Stores {
  return [new ReplaceableStore(), new ReplaceableStore(), new ReplaceableStore()];
}

function open(stores: Stores, index: number, ackTimeoutMs = 2_000): Node {
  const endpoint = peerEndpoint(`node-${index}.example:5055`);
  const members = stores.map((store) => store.open(index, endpoint));
  const driver = quorumDriver({
    drivers: members.map((member, place) => ({ id: `store-${place}`, driver: member })),
    policy: new QuorumPolicy({ n: 3, w: 2, ackTimeoutMs }),
    endpoint,
    pollMs: 2,
    yieldAfterMs: 60_000,
  });
  return { driver, members, [Symbol.asyncDispose]: async () => await driver[Symbol.asyncDispose]() };
}

async function leading({ driver }: Node): Promise<Leading> {
  const stop = new AbortController();
  for await (const item of driver.leadershipEvents({ signal: stop.signal })) {
    if (item.role === "leader") {
      stop.abort();
      return item;
    }
  }
  throw new Error("the stream ended first");
}

async function roleOf({ driver }: Node): Promise<LeaderState["role"]> {
  const stop = new AbortController();
  for await (const { role } of driver.leadershipEvents({ signal: stop.signal })) {
    stop.abort();
    return role;
  }
  throw new Error("the stream ended first");
}

function electAll(stores: Stores, node: number): void {
  for (const store of stores) store.elect(node);
}

/** Raises the high-water until every store has it: those that the reign did not begin with join it later. */
async function spread(node: Node, epoch: Epoch, target: number, stores: Stores): Promise<void> {
  await expect
    .poll(async () => {
      await node.driver.persistHighWater(physicalMs(target), epoch);
      return stores.map(({ highWater }) => highWater);
    })
    .toEqual([target, target, target]);
}

/** Throws in every write after the first `count`, as if the process had ended there. */
function crashAfter(stores: Stores, count: number): () => boolean {
  let left = count;
  const gate = (call: string): void => {
    if (call === "load") return;
    left -= 1;
    if (left < 0) unreachable();
  };
  for (const store of stores) store.gate = gate;
  return () => left < 0;
}

function heal(stores: Stores): void {
  for (const store of stores) store.gate = () => {};
}

describe("a new history", () => {
  it("needs every member, and begins when the last can be reached", async () => {
    const stores = newStores();
    let asked = 0;
    stores[2].gate = () => {
      asked += 1;
      unreachable();
    };
    await using node = open(stores, 0);
    electAll(stores, 0);
    await expect.poll(() => asked).toBeGreaterThan(10);
    expect(await roleOf(node)).toBe("unknown");
    heal(stores);
    expect((await leading(node)).epoch).toBeGreaterThan(0n);
    expect(await node.driver.loadHighWater()).toBe(0);
  });

  it("loads what all members hold while nobody has begun it, and nothing if one of them cannot be read", async () => {
    const stores = newStores();
    await using node = open(stores, 0, 100);
    expect(await node.driver.loadHighWater()).toBe(0);
    stores[2].gate = unreachable;
    await expect(node.driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
  });

  it("goes on from wherever a crash left it", async () => {
    let wasCut = true;
    for (let writes = 0; wasCut; writes += 1) {
      const stores = newStores();
      const isCut = crashAfter(stores, writes);
      {
        await using node = open(stores, 0);
        electAll(stores, 0);
        await expect.poll(async () => isCut() || (await roleOf(node)) === "leader").toBe(true);
        wasCut = isCut();
      }
      heal(stores);
      await using next = open(stores, 1);
      electAll(stores, 1);
      const { epoch } = await leading(next);
      expect(await next.driver.persistHighWater(physicalMs(10), epoch)).toBe(10);
    }
  });

  it("is not taken for one that most members have lost, although nothing was served under it that is left", async () => {
    const stores = newStores();
    {
      await using node = open(stores, 0, 100);
      electAll(stores, 0);
      const { epoch } = await leading(node);
      stores[0].gate = (call) => void (call === "high-water" && unreachable());
      // The third member may have to join first.
      await expect.poll(() => node.driver.persistHighWater(physicalMs(100), epoch).catch(() => 0)).toBe(100);
    }
    heal(stores);
    expect(stores[0].highWater).toBe(0);
    for (const store of stores.slice(1)) store.wipe(1, 0);
    await using next = open(stores, 1, 100);
    electAll(stores, 1);
    await expect(next.driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    expect(await roleOf(next)).toBe("unknown");
    expect(await Promise.all(stores.map((store) => store.stage()))).toEqual(["admitted", "empty", "empty"]);
  });
});

describe("a member that lost its data", () => {
  it("has what it acknowledges counted only after the leader has filled it, although its epoch is the same", async () => {
    const stores = newStores();
    const [, b, c] = stores;
    await using node = open(stores, 0, 100);
    electAll(stores, 0);
    const { epoch } = await leading(node);
    await spread(node, epoch, 100, stores);
    for (const member of node.members) member.hears = false;
    c.gate = unreachable;
    b.wipe(0);
    await expect(node.driver.persistHighWater(physicalMs(200), epoch)).rejects.toMatchObject({ code: "uncertain" });
    // It took the write, and still has no vote: with a, which is all that remembers, there is nobody else.
    expect([b.highWater, await b.stage()]).toEqual([200, "empty"]);
    heal(stores);
    await expect.poll(async () => await b.stage()).toBe("admitted");
    await expect.poll(async () => (await leading(node)).epoch).toBeGreaterThanOrEqual(epoch);
  });

  it("is filled with what was acknowledged before it has a vote, wherever a crash ends that", async () => {
    let wasCut = true;
    let writes = 0;
    for (; wasCut; writes += 1) {
      const stores = newStores();
      const [a, b, c] = stores;
      {
        await using node = open(stores, 0, 100);
        electAll(stores, 0);
        const { epoch } = await leading(node);
        await spread(node, epoch, 100, stores);
        const isCut = crashAfter([b, b, b], writes);
        // In an epoch that is not the bound one, so that nothing but the filling writes to b.
        b.wipe(0, 2);
        await expect.poll(async () => isCut() || (await b.stage()) === "admitted").toBe(true);
        wasCut = isCut();
      }
      heal(stores);
      // What has a vote remembers: b and c are a majority without a, and may be asked alone.
      a.gate = unreachable;
      await using next = open(stores, 1, 100);
      for (const store of [b, c]) store.elect(1);
      if ((await b.stage()) === "admitted") {
        await leading(next);
        expect(b.highWater).toBeGreaterThanOrEqual(100);
        expect(await next.driver.loadHighWater()).toBeGreaterThanOrEqual(100);
      } else {
        await expect(next.driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
        expect(await roleOf(next)).toBe("unknown");
      }
    }
    // The number of the life, the high-water, the ballot and the stage: each was the one that the crash prevented.
    expect(writes).toBeGreaterThan(4);
  });

  it("is not filled by a leader that the others have left behind", async () => {
    const stores = newStores();
    const [, , c] = stores;
    await using old = open(stores, 0, 100);
    electAll(stores, 0);
    const first = await leading(old);
    expect(await old.driver.persistHighWater(physicalMs(100), first.epoch)).toBe(100);
    // The old leader hears nothing of a and b, where another begins to reign and to serve, with c.
    await using next = open(stores, 1, 100);
    for (const member of old.members.slice(0, 2)) member.isDeaf = true;
    for (const store of stores) store.elect(1);
    const second = await leading(next);
    await expect
      .poll(async () => (await next.driver.persistHighWater(physicalMs(500), second.epoch)) && c.highWater)
      .toBe(500);
    c.wipe(0, 2);
    await expect.poll(async () => await roleOf(old)).not.toBe("leader");
    expect([await c.stage(), c.highWater]).toEqual(["empty", 0]);
    expect(await next.driver.loadHighWater()).toBe(500);
  });

  it("forgets nothing for the others when they lose theirs after it, one after the other", async () => {
    const stores = newStores();
    await using node = open(stores, 0);
    electAll(stores, 0);
    let { epoch } = await leading(node);
    for (let turn = 1; turn <= 6; turn += 1) {
      ({ epoch } = await leading(node));
      await spread(node, epoch, turn * 100, stores);
      const store = stores[turn % 3] as ReplaceableStore;
      store.wipe(0);
      await expect.poll(async () => (await node.driver.loadHighWater()) && (await store.stage())).toBe("admitted");
      expect(store.highWater).toBe(turn * 100);
      expect(await node.driver.loadHighWater()).toBe(turn * 100);
    }
  });
});

describe("a member that lost its data, and counts its epochs again", () => {
  /** Node 0 has not heard that the second store was lost, where node 1 was elected in the same epoch and now reigns. */
  async function inOneEpoch(stores: Stores, unaware: Node, aware: Node): Promise<Epoch> {
    electAll(stores, 0);
    const first = await leading(unaware);
    await spread(unaware, first.epoch, 100, stores);
    for (const member of unaware.members.slice(1, 2)) member.hears = false;
    stores[1].wipe(1);
    for (const store of [stores[0], stores[2]]) store.elect(1);
    const { epoch } = await leading(aware);
    await spread(aware, epoch, 200, stores);
    expect(await stores[1].stage()).toBe("admitted");
    for (const member of aware.members.slice(0, 1)) member.isDeaf = true;
    return epoch;
  }

  it("is counted by the reign of the newest ballot alone, although two nodes may write to it in one epoch", async () => {
    const stores = newStores();
    await using unaware = open(stores, 0);
    await using aware = open(stores, 1);
    const older = await inOneEpoch(stores, unaware, aware);
    stores[0].elect(0);
    const { epoch } = await leading(unaware);
    expect(epoch).toBeGreaterThan(older);
    // Two stores of three take it, one of which has taken the newer ballot.
    await expect(aware.driver.persistHighWater(physicalMs(500), older)).rejects.toMatchObject({ code: "uncertain" });
    expect(stores.map(({ highWater }) => highWater)).toEqual([200, 500, 500]);
  });

  it("shows a candidate what an older reign wrote to it between the reading and the taking of the ballot", async () => {
    const stores = newStores();
    await using unaware = open(stores, 0);
    await using aware = open(stores, 1);
    const older = await inOneEpoch(stores, unaware, aware);
    let isHeld = false;
    let letGo = (): void => {};
    const going = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    stores[1].gate = async (call) => {
      if (call !== "ballot") return;
      isHeld = true;
      await going;
    };
    stores[0].elect(0);
    await expect.poll(() => isHeld).toBe(true);
    expect(await aware.driver.persistHighWater(physicalMs(500), older)).toBe(500);
    letGo();
    const { epoch } = await leading(unaware);
    expect(await unaware.driver.persistHighWater(physicalMs(300), epoch)).toBeGreaterThanOrEqual(500);
  });

  it("does not vote for a first ballot that it took after the loss", async () => {
    const stores = newStores();
    const [, b, c] = stores;
    await using node = open(stores, 0);
    for (const member of node.members) member.hears = false;
    let isLost = false;
    let asked = 0;
    b.gate = (call) => {
      if (call !== "ballot" || isLost) return;
      isLost = true;
      // From here on there is nobody else to vote.
      c.gate = () => {
        asked += 1;
        unreachable();
      };
      b.wipe(0);
    };
    electAll(stores, 0);
    await expect.poll(() => asked).toBeGreaterThan(10);
    expect([isLost, await roleOf(node)]).toEqual([true, "unknown"]);
    heal(stores);
    expect((await leading(node)).epoch).toBeGreaterThan(1n);
  });
});
