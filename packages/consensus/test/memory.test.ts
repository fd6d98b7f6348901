// SPDX-License-Identifier: Apache-2.0
import { EPOCH_ZERO, type Epoch, epoch, InvariantViolation, peerEndpoint, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import type { ConsensusDriver, LeaderState, Tenure } from "../src/index.ts";
import { MEMORY_CAPABILITIES, MemoryStore, openMemoryDriver } from "../src/memory.ts";

/** What the stream of a driver says now. */
async function stateOf(driver: ConsensusDriver): Promise<LeaderState> {
  const stop = new AbortController();
  for await (const item of driver.leadershipEvents({ signal: stop.signal })) return item;
  throw new Error("the stream has no first item");
}

async function reignOf(driver: ConsensusDriver): Promise<{ epoch: Epoch; tenure: Tenure }> {
  const state = await stateOf(driver);
  if (state.role !== "leader" || state.tenure === undefined) throw new Error(`expected a leader, got ${state.role}`);
  return { epoch: state.epoch, tenure: state.tenure };
}

const endpoint = peerEndpoint("a.example:5055");

describe("MemoryStore", () => {
  it("has no leader until one is elected", async () => {
    const store = new MemoryStore();
    const driver = store.open(0);
    expect(await stateOf(driver)).toEqual({ role: "unknown" });
    expect([store.leader, store.epoch]).toEqual([undefined, EPOCH_ZERO]);
    await expect(driver.persistHighWater(physicalMs(1), EPOCH_ZERO)).rejects.toMatchObject({ code: "not_leader" });
  });

  it("tells the leader that it leads and the others whom to follow", async () => {
    const store = new MemoryStore();
    const [a, b] = [store.open(0, { endpoint }), store.open(1)];
    expect(store.elect(0)).toBe(1n);
    expect(await stateOf(a)).toMatchObject({ role: "leader", epoch: 1n });
    const follower = { role: "follower", leaderEndpoint: endpoint, leaderEpoch: 1n };
    expect(await stateOf(b)).toEqual(follower);
    expect(await stateOf(store.open(2))).toEqual(follower);
  });

  it("installs the epoch before anybody can hear of it", async () => {
    const store = new MemoryStore();
    const driver = store.open(0);
    const stop = new AbortController();
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) {
      if (item.role !== "leader") store.elect(0);
      else {
        expect(store.epoch).toBe(item.epoch);
        break;
      }
    }
  });

  it("refuses an older epoch as fenced, with the newer, and an epoch to come as not_leader", async () => {
    const store = new MemoryStore();
    const driver = store.open(0);
    store.elect(0);
    store.elect(0);
    const fenced = { code: "fenced", currentEpoch: 2n };
    await expect(driver.persistHighWater(physicalMs(5), epoch(1n))).rejects.toMatchObject(fenced);
    await expect(driver.persistHighWater(physicalMs(5), epoch(3n))).rejects.toMatchObject({ code: "not_leader" });
    expect(store.highWater).toBe(0);
  });

  it("refuses the newest epoch from a node that does not hold it", async () => {
    const store = new MemoryStore();
    store.open(0);
    const other = store.open(1);
    const newest = store.elect(0);
    await expect(other.persistHighWater(physicalMs(5), newest)).rejects.toMatchObject({ code: "not_leader" });
  });

  it("ends a tenure in the step that installs the next epoch", async () => {
    const store = new MemoryStore();
    const [a, b] = [store.open(0), store.open(1)];
    store.elect(0);
    const { tenure } = await reignOf(a);
    expect(tenure.valid()).toBe(true);
    store.elect(1);
    expect(tenure.valid()).toBe(false);
    const next = await reignOf(b);
    store.elect(1);
    expect(next.tenure.valid(), "a new reign of the same node").toBe(false);
  });

  it("ends a tenure when its driver begins to be disposed", async () => {
    const driver = openMemoryDriver();
    const { tenure } = await reignOf(driver);
    const disposal = driver[Symbol.asyncDispose]();
    expect(tenure.valid()).toBe(false);
    await disposal;
  });

  it("keeps its history while nodes come and go", async () => {
    const store = new MemoryStore({ autoElect: true });
    const first = store.open(0);
    await first.persistHighWater(physicalMs(7), (await reignOf(first)).epoch);
    await first[Symbol.asyncDispose]();
    const second = store.open(0);
    expect(await second.loadHighWater()).toBe(7);
    expect((await reignOf(second)).epoch).toBe(2n);
  });

  it("with autoElect never stays without a leader while a node is open", async () => {
    const store = new MemoryStore({ autoElect: true });
    const [a] = [store.open(0), store.open(1)];
    expect(store.leader).toBe(0);
    store.crash(0);
    expect(store.leader).toBe(1);
    await a[Symbol.asyncDispose]();
    expect(store.leader, "the end of a crashed driver changes nothing").toBe(1);
  });

  it("hands over to another node when the leader resigns, and to nobody where there is none", async () => {
    const store = new MemoryStore();
    const [a, b] = [store.open(0), store.open(1)];
    store.elect(0);
    await a.resign?.("a test");
    expect(store.leader).toBe(1);
    await a.resign?.("it leads no more");
    expect([store.leader, store.epoch]).toEqual([1, 2n]);
    await a[Symbol.asyncDispose]();
    await b.resign?.("the last one");
    expect(store.leader).toBeUndefined();
    expect(await stateOf(b)).toEqual({ role: "unknown" });
  });

  it("refuses to open a node twice and to elect one that is not open", () => {
    const store = new MemoryStore();
    store.open(0);
    expect(() => store.open(0)).toThrow(InvariantViolation);
    expect(() => store.elect(1)).toThrow(InvariantViolation);
  });

  it("keeps its own copy of a lease holder", async () => {
    const store = new MemoryStore();
    const driver = store.open(0);
    const newest = store.elect(0);
    const holder = Uint8Array.of(1, 2);
    const rest = { leaseId: 1n, holderEpoch: 1n, ttlMs: 1n, tsUpperBound: 1n, expiresAtMs: 1n, superseded: false };
    await driver.leases?.replace([{ ...rest, holder }], newest);
    holder.fill(9);
    expect((await driver.leases?.load())?.[0]?.holder).toEqual(Uint8Array.of(1, 2));
  });
});

describe("openMemoryDriver", () => {
  it("leads at once, in a history of its own", async () => {
    const [a, b] = [openMemoryDriver(), openMemoryDriver()];
    await a.persistHighWater(physicalMs(9), (await reignOf(a)).epoch);
    expect(await a.loadHighWater()).toBe(9);
    expect(await b.loadHighWater()).toBe(0);
  });

  it("does not claim to keep anything", () => {
    expect(openMemoryDriver().capabilities).toBe(MEMORY_CAPABILITIES);
    expect(MEMORY_CAPABILITIES.durability).toBe("asynchronous");
  });
});
