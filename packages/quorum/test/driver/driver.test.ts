// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ConsensusDriver, LeaderState } from "@tsoracle/consensus";
import { MemoryStore } from "@tsoracle/consensus/memory";
import { type Epoch, type PhysicalMs, peerEndpoint, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type QuorumDriverOptions, quorumDriver } from "../../src/driver.ts";
import { QuorumPolicy } from "../../src/index.ts";

/** A member's driver whose news and writes a test can hold back. */
class Holding implements ConsensusDriver {
  readonly name: string;
  readonly capabilities: ConsensusDriver["capabilities"];
  readonly sequences: ConsensusDriver["sequences"];
  readonly resign: (reason: string) => Promise<void>;
  readonly #inner: ConsensusDriver;
  /** The latest item that the driver made of drivers has dealt with. */
  heard: LeaderState | undefined;
  #news = Promise.resolve();
  #write: Promise<void> | undefined;

  constructor(inner: ConsensusDriver) {
    this.#inner = inner;
    this.name = inner.name;
    this.capabilities = inner.capabilities;
    this.sequences = inner.sequences;
    this.resign = async (reason) => await inner.resign?.(reason);
  }

  /** Holds the stream where it is. */
  holdNews(): () => void {
    let release = (): void => {};
    this.#news = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  /** Holds the next write of the high-water. */
  holdNextWrite(): () => void {
    let release = (): void => {};
    this.#write = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  async *leadershipEvents(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState> {
    const aborted = new Promise<void>((resolve) => {
      options.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    for await (const state of this.#inner.leadershipEvents(options)) {
      await Promise.race([this.#news, aborted]);
      yield state;
      this.heard = state;
    }
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.#inner.loadHighWater(options);
  }

  async persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    const held = this.#write;
    this.#write = undefined;
    await held;
    return await this.#inner.persistHighWater(atLeast, epoch, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}

interface Cluster extends AsyncDisposable {
  readonly stores: readonly [MemoryStore, MemoryStore, MemoryStore];
  readonly nodes: readonly { readonly driver: ConsensusDriver; readonly members: readonly Holding[] }[];
}

function cluster(nodes: number, options: Partial<QuorumDriverOptions> = {}): Cluster {
  const stores = [new MemoryStore(), new MemoryStore(), new MemoryStore()] as const;
  const opened = Array.from({ length: nodes }, (_, node) => {
    const endpoint = peerEndpoint(`node-${node}.example:5055`);
    const members = stores.map((store) => new Holding(store.open(node, { endpoint })));
    const drivers = members.map((driver, index) => ({ id: `store-${index}`, driver }));
    const policy = new QuorumPolicy({ n: 3, w: 2, ackTimeoutMs: 2_000 });
    return { driver: quorumDriver({ drivers, policy, endpoint, pollMs: 5, ...options }), members };
  });
  return {
    stores,
    nodes: opened,
    [Symbol.asyncDispose]: async () => {
      for (const { driver } of opened) await driver[Symbol.asyncDispose]();
    },
  };
}

/** Waits for an item in the stream of a node. */
async function until<T extends LeaderState>(
  node: { readonly driver: ConsensusDriver } | undefined,
  wanted: (item: LeaderState) => item is T,
): Promise<T> {
  if (node === undefined) throw new TypeError("there is no such node");
  const stop = new AbortController();
  try {
    for await (const item of node.driver.leadershipEvents({ signal: stop.signal })) {
      if (wanted(item)) return item;
    }
  } finally {
    stop.abort();
  }
  throw new Error("the stream ended first");
}

type Leading = LeaderState & { readonly role: "leader" };
const leads = (item: LeaderState): item is Leading => item.role === "leader";
const leadsAfter =
  (epoch: bigint) =>
  (item: LeaderState): item is Leading =>
    leads(item) && item.epoch > epoch;

describe("quorumDriver", () => {
  it("leads with two of three members, and brings the third in when it wins it", async () => {
    await using world = cluster(2);
    const [a, b, c] = world.stores;
    const [x] = world.nodes;
    a.elect(0);
    b.elect(0);
    c.elect(1);
    const { epoch } = await until(x, leads);
    expect(await x?.driver.persistHighWater(physicalMs(500), epoch)).toBe(500);
    expect(c.highWater).toBe(0);
    c.elect(0);
    await expect
      .poll(async () => ((await x?.driver.persistHighWater(physicalMs(600), epoch)) ?? 0) && c.highWater)
      .toBe(600);
    // With the third in, it can spare the first: the reign goes on in its epoch.
    a.elect(1);
    expect(await x?.driver.persistHighWater(physicalMs(700), epoch)).toBe(700);
  });

  it("does not bring in a member that knows of a newer reign, although it leads it again", async () => {
    await using world = cluster(2);
    const [a, b, c] = world.stores;
    const [x, y] = world.nodes;
    for (const store of world.stores) store.elect(0);
    const old = await until(x, leads);
    await expect
      .poll(async () => ((await x?.driver.persistHighWater(physicalMs(10), old.epoch)) ?? 0) && c.highWater)
      .toBe(10);
    // The old leader does not hear that it lost b and c, where the other begins to reign and to serve.
    const releases = [1, 2].map((member) => x?.members[member]?.holdNews());
    b.elect(1);
    c.elect(1);
    const next = await until(y, leadsAfter(old.epoch));
    expect(await y?.driver.persistHighWater(physicalMs(100), next.epoch)).toBe(100);
    // It wins b back, and hears only of that: a and b would be two of three.
    b.elect(0);
    releases[0]?.();
    await expect.poll(() => x?.members[1]?.heard?.role).toBe("leader");
    await expect.poll(() => x?.members[1]?.heard).toMatchObject({ epoch: b.epoch });
    await expect(x?.driver.persistHighWater(physicalMs(50), old.epoch)).rejects.toMatchObject({
      code: expect.stringMatching(/transient|uncertain|fenced|not_leader/),
    });
    for (let round = 0; round < 20; round += 1) {
      await expect(x?.driver.persistHighWater(physicalMs(50), old.epoch)).rejects.toThrow();
    }
    expect([a.highWater, b.highWater]).toEqual([50, 100]);
    releases[1]?.();
  });

  it("acknowledges nothing to a reign that is over, although its members still accept it", async () => {
    await using world = cluster(2);
    const [a, b, c] = world.stores;
    const [x] = world.nodes;
    a.elect(0);
    b.elect(0);
    c.elect(1);
    const old = await until(x, leads);
    const release = x?.members[1]?.holdNextWrite();
    const late = x?.driver.persistHighWater(physicalMs(1_000), old.epoch) as Promise<PhysicalMs>;
    const outcome = expect(late).rejects.toMatchObject({ code: "uncertain" });
    await expect.poll(() => a.highWater).toBe(1_000);
    // The same node begins again on b and c, where nothing is known of the write, and still in its old epoch of b.
    c.elect(0);
    a.elect(1);
    const next = await until(x, leadsAfter(old.epoch));
    expect(await x?.driver.loadHighWater()).toBe(0);
    release?.();
    await outcome;
    expect(b.highWater).toBe(1_000);
    expect(next.epoch).toBeGreaterThan(old.epoch);
  });

  it("has a tenure only while two of three members grant theirs", async () => {
    await using world = cluster(2);
    const [a, b] = world.stores;
    const [x] = world.nodes;
    for (const store of world.stores) store.elect(0);
    const { tenure } = await until(x, leads);
    await expect.poll(() => tenure?.valid()).toBe(true);
    // Three members may still be joining; two elections at once leave one at most.
    a.elect(1);
    b.elect(1);
    expect(tenure?.valid()).toBe(false);
  });

  it("hands over what it leads when the members chose different nodes, until one leads two of three", async () => {
    await using world = cluster(3, { yieldAfterMs: 20 });
    for (const [node, store] of world.stores.entries()) store.elect(node);
    const leader = await Promise.any(world.nodes.map((node) => until(node, leads)));
    expect(leader.epoch).toBeGreaterThan(0n);
  });

  it("says that it does not know the leader while members name different ones", async () => {
    await using world = cluster(3, { yieldAfterMs: 60_000 });
    for (const [node, store] of world.stores.entries()) store.elect(node);
    for (const { driver } of world.nodes) await expect(driver.loadHighWater()).resolves.toBe(0);
    const states = world.nodes.map((node) => until(node, (item): item is LeaderState => item.role !== undefined));
    expect((await Promise.all(states)).map(({ role }) => role)).toEqual(["unknown", "unknown", "unknown"]);
  });

  it("refuses what could not be safe, before it touches a member", async () => {
    const store = new MemoryStore();
    const member = store.open(0);
    const bare = { ...faceOf(member), sequences: undefined };
    const driverOf = (options: Partial<QuorumDriverOptions>) => () =>
      quorumDriver({ drivers: [{ id: "a", driver: member }], ...options });
    expect(driverOf({ drivers: [] })).toThrow(/n must be >= 1/);
    expect(driverOf({ policy: QuorumPolicy.majority(3) })).toThrow(/for 3 members, but there are 1/);
    expect(driverOf({ drivers: twice("a", "a") })).toThrow(/twice/);
    const two = twice("a", "b");
    expect(driverOf({ drivers: [...two, { id: "c", driver: two[0]?.driver as ConsensusDriver }] })).toThrow(/twice/);
    expect(driverOf({ drivers: two, policy: new QuorumPolicy({ n: 2, w: 1 }) })).toThrow(/w must be at least 2 of 2/);
    expect(driverOf({ drivers: [{ id: "a", driver: bare }] })).toThrow(/without dense sequences/);
    expect(driverOf({ drivers: [{ id: "", driver: member }] })).toThrow(/not empty/);
    expect(driverOf({ pollMs: 0 })).toThrow(/pollMs/);
    await member[Symbol.asyncDispose]();
  });
});

function twice(first: string, second: string): QuorumDriverOptions["drivers"] {
  return [first, second].map((id) => ({ id, driver: new MemoryStore().open(0) }));
}

function faceOf(driver: ConsensusDriver): ConsensusDriver {
  return {
    name: driver.name,
    capabilities: driver.capabilities,
    leadershipEvents: (options) => driver.leadershipEvents(options),
    loadHighWater: (options) => driver.loadHighWater(options),
    persistHighWater: (atLeast, epoch, options) => driver.persistHighWater(atLeast, epoch, options),
    [Symbol.asyncDispose]: async () => await driver[Symbol.asyncDispose](),
  };
}
