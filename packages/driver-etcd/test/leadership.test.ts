// SPDX-License-Identifier: Apache-2.0
import { LeaseClock, waitOutMs } from "@tsoracle/consensus";
import { physicalMs } from "@tsoracle/core";
import { FaultProxy, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OracleKeys } from "../src/keys.ts";
import { decodeReign } from "../src/records.ts";
import { urlsOf, useEtcd } from "./cluster.ts";
import { callEtcd, deleteKey, type GatewayKey, rangeOf } from "./gateway.ts";
import { itemOf, leads, leadsNoMore, NodeLog, openNode, prefixOf, prepare, TERMS } from "./node.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 1);
const endpoints = (): readonly string[] => urlsOf(etcd());
const url = (): string => endpoints()[0] ?? "";

async function candidates(oracle: string): Promise<readonly GatewayKey[]> {
  const { from, to } = new OracleKeys(prefixOf(oracle)).candidates;
  return await rangeOf(url(), from, to);
}

/** The key of whoever leads, as an operator would find it. */
async function leadersKey(oracle: string, epoch: bigint): Promise<GatewayKey> {
  const found = (await candidates(oracle)).find(({ createRevision }) => createRevision === epoch);
  if (found === undefined) throw new Error(`nobody stands with epoch ${epoch}`);
  return found;
}

/** The clocks of this machine, with a wall clock that the test can step. */
class SteppedClocks {
  stepMs = 0;
  readonly clock: LeaseClock = new LeaseClock({
    monotonicNs: () => process.hrtime.bigint(),
    bootMs: () => performance.now(),
    wallMs: () => performance.now() + this.stepMs,
  });
}

describe.concurrent("a leader whose key is gone early", () => {
  const ways: Readonly<Record<string, (key: GatewayKey) => Promise<unknown>>> = {
    "deleted by an operator": (key) => deleteKey(url(), new TextEncoder().encode(key.key)),
    "its lease revoked": (key) => callEtcd(url(), "/v3/lease/revoke", { ID: String(key.lease) }),
  };
  it.each(Object.entries(ways))(
    "is over at once, and its successor still waits for its tenure to end: %s",
    async (name, remove) => {
      const oracle = name.replaceAll(" ", "-");
      await prepare(endpoints(), oracle);
      const log = new NodeLog();
      await using old = await openNode(endpoints(), oracle, { log });
      const reign = await leads(old);
      await using successor = await openNode(endpoints(), oracle);
      await itemOf(successor, (item) => item.role === "follower" && item.leaderEpoch === reign.epoch);
      const record = async (): Promise<GatewayKey | undefined> =>
        (await rangeOf(url(), new OracleKeys(prefixOf(oracle)).reign))[0];
      const beat = await record();
      const removed = performance.now();
      await remove(await leadersKey(oracle, reign.epoch));
      await log.line(/its key was deleted from etcd \(L2\)|the store no longer has its key|its lease is gone/);
      expect(reign.tenure?.valid()).toBe(false);
      const next = await leads(successor);
      // The last beat came no earlier than a renewal before the removal; less than that would be no wait at all.
      const renewEveryMs = TERMS.tenureMs / 4;
      expect(performance.now() - removed).toBeGreaterThan(waitOutMs(TERMS) - 2 * renewEveryMs);
      expect(next.epoch).toBeGreaterThan(reign.epoch);
      expect(decodeReign((await record())?.value ?? new Uint8Array())).toMatchObject({ epoch: next.epoch });
      expect(beat?.modRevision).toBeGreaterThan(0n);
      await expect(old.persistHighWater(physicalMs(9), reign.epoch)).rejects.toMatchObject({
        code: expect.stringMatching(/^(not_leader|fenced)$/),
      });
    },
  );
});

describe("an orderly end", () => {
  it("is followed at once, because the mark says that there is nothing to wait for", async () => {
    await prepare(endpoints(), "orderly");
    await using old = await openNode(endpoints(), "orderly");
    const reign = await leads(old);
    await using successor = await openNode(endpoints(), "orderly", { log: new NodeLog() });
    await itemOf(successor, (item) => item.role === "follower" && item.leaderEpoch === reign.epoch);
    await old.resign("a test");
    expect(reign.tenure?.valid()).toBe(false);
    const keys = new OracleKeys(prefixOf("orderly"));
    const next = await leads(successor);
    expect(next.epoch).toBeGreaterThan(reign.epoch);
    const [record] = await rangeOf(url(), keys.reign);
    expect(decodeReign(record?.value ?? new Uint8Array())).toMatchObject({ epoch: next.epoch, clean: false });
    // It stands again, behind the one that leads, and names it (L6).
    const followed = await itemOf(old, (item) => item.role === "follower" && item.leaderEpoch === next.epoch);
    expect(followed).toMatchObject({ leaderEndpoint: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  it("leaves no key and no lease behind", async () => {
    await prepare(endpoints(), "tidy");
    const nodes = [await openNode(endpoints(), "tidy"), await openNode(endpoints(), "tidy")];
    await Promise.race(nodes.map((node) => leads(node)));
    const [candidate] = await candidates("tidy");
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    expect(await candidates("tidy")).toEqual([]);
    const { TTL } = await callEtcd(url(), "/v3/lease/timetolive", { ID: String(candidate?.lease) });
    expect(TTL).toBe("-1");
  });

  it("of a reign that was still waiting leaves no mark, so that the next waits as well", async () => {
    await prepare(endpoints(), "waiting");
    await using first = await openNode(endpoints(), "waiting");
    const { epoch } = await leads(first);
    const log = new NodeLog();
    const second = await openNode(endpoints(), "waiting", { log });
    await itemOf(second, (item) => item.role === "follower" && item.leaderEpoch === epoch);
    await deleteKey(url(), new TextEncoder().encode((await leadersKey("waiting", epoch)).key));
    await log.line(/elected; waiting \d+ ms/);
    await second[Symbol.asyncDispose]();
    const [record] = await rangeOf(url(), new OracleKeys(prefixOf("waiting")).reign);
    const mark = decodeReign(record?.value ?? new Uint8Array());
    expect(mark.epoch).toBeGreaterThan(epoch);
    expect(mark.clean).toBe(false);
  });
});

describe("L3: the local deadline", () => {
  it("is over before a successor leads, when the leader cannot reach etcd", async () => {
    await prepare(endpoints(), "cut");
    await using proxy = await FaultProxy.open(etcd()[0] ?? { host: "", port: 0 });
    const log = new NodeLog();
    await using old = await openNode([`127.0.0.1:${proxy.port}`], "cut", { log });
    const reign = await leads(old);
    await old.persistHighWater(physicalMs(1_000), reign.epoch);
    await using successor = await openNode(endpoints(), "cut");
    proxy.set({ up: "hold", down: "hold" });
    const late = old.persistHighWater(physicalMs(9_000), reign.epoch).catch((error: unknown) => error);
    await log.line(/no keep-alive was answered .* \(L3\)/);
    const next = await leads(successor);
    expect(reign.tenure?.valid()).toBe(false);
    expect(await late).toMatchObject({ code: expect.stringMatching(/^(uncertain|transient)$/) });
    const floor = await successor.loadHighWater();
    expect([1_000, 9_000]).toContain(floor);
    await proxy.heal();
    await itemOf(old, (item) => item.role === "follower" && item.leaderEpoch === next.epoch);
    expect(await old.loadHighWater()).toBe(floor);
    expect(await successor.persistHighWater(physicalMs(floor + 1), next.epoch)).toBe(floor + 1);
  });
});

describe("a wall clock that is stepped forward", () => {
  it("ends the tenure until the next renewal, and one that is stepped back does not", async () => {
    await prepare(endpoints(), "stepped");
    const clocks = new SteppedClocks();
    await using driver = await openNode(endpoints(), "stepped", {}, { clock: clocks.clock });
    const { tenure, epoch } = await leads(driver);
    expect(tenure?.valid()).toBe(true);
    clocks.stepMs = 3_600_000;
    expect(tenure?.valid()).toBe(false);
    await waitUntil("a renewal by the stepped clock", () => tenure?.valid());
    clocks.stepMs = -3_600_000;
    expect(tenure?.valid()).toBe(true);
    expect(await driver.persistHighWater(physicalMs(1), epoch)).toBe(1);
  });
});

describe("a busy event loop", () => {
  it("ends the tenure, and it is seen in the turn after", async () => {
    await prepare(endpoints(), "busy");
    await using driver = await openNode(endpoints(), "busy");
    const { tenure } = await leads(driver);
    expect(tenure?.valid()).toBe(true);
    const began = performance.now();
    while (performance.now() - began < TERMS.tenureMs);
    expect(tenure?.valid()).toBe(false);
    await waitUntil("a tenure that holds", async () => (await leads(driver)).tenure?.valid());
  });
});

describe("confirm mode", () => {
  it("asks etcd after the question, one round for all who ask together, and is told that the key is gone", async () => {
    await prepare(endpoints(), "asked", { freshness: "confirm" });
    await using driver = await openNode(endpoints(), "asked", { freshness: "confirm" });
    const { tenure, epoch } = await leads(driver);
    const ask = (): Promise<boolean> | undefined => tenure?.confirm?.();
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([true, true, true]);
    await deleteKey(url(), new TextEncoder().encode((await leadersKey("asked", epoch)).key));
    expect(await ask()).toBe(false);
    await leadsNoMore(driver);
    expect(tenure?.valid()).toBe(false);
  });

  it("does not take an answer that was on its way for one that was asked for later", async () => {
    await prepare(endpoints(), "joined", { freshness: "confirm" });
    await using proxy = await FaultProxy.open(etcd()[0] ?? { host: "", port: 0 });
    await using driver = await openNode([`127.0.0.1:${proxy.port}`], "joined", { freshness: "confirm" });
    const { tenure, epoch } = await leads(driver);
    proxy.set({ down: "hold" });
    const withheld = proxy.withheld;
    const early = tenure?.confirm?.();
    await waitUntil("the answer of the first round", () => proxy.withheld > withheld);
    await deleteKey(url(), new TextEncoder().encode((await leadersKey("joined", epoch)).key));
    const late = tenure?.confirm?.();
    proxy.set({ down: "pass" });
    await early;
    expect(await late).toBe(false);
  });
});

describe("two oracles in one etcd", () => {
  it("do not disturb each other", async () => {
    await prepare(endpoints(), "left");
    await prepare(endpoints(), "right");
    await using left = await openNode(endpoints(), "left");
    await using right = await openNode(endpoints(), "right");
    const [a, b] = [await leads(left), await leads(right)];
    await left.persistHighWater(physicalMs(111), a.epoch);
    expect(await right.loadHighWater()).toBe(0);
    await right.persistHighWater(physicalMs(5), b.epoch);
    await left.resign("a test");
    expect(await left.loadHighWater()).toBe(111);
    expect(b.tenure?.valid()).toBe(true);
    expect(await right.persistHighWater(physicalMs(6), b.epoch)).toBe(6);
  });
});
