// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { FaultProxy, usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ForgetfulFront } from "./forgetful-front.ts";
import { asRole, itemOf, leads, leadsNoMore, NodeLog, openNode } from "./node.ts";
import { prepareOracle } from "./oracle.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const database = (): string => postgres().url;

const partitions: Readonly<Record<string, (proxy: FaultProxy) => Promise<void> | void>> = {
  "held, and delivered later": (proxy) => proxy.set({ up: "hold", down: "hold" }),
  "lost on the way there": (proxy) => proxy.set({ up: "drop" }),
  "lost on the way back": (proxy) => proxy.set({ down: "drop" }),
  "half open": async (proxy) => {
    await proxy.refuse();
    proxy.halfOpen();
  },
  "reset, and refused from then on": async (proxy) => {
    await proxy.refuse();
    proxy.reset();
  },
  "accepted by a machine that is stuck": (proxy) => {
    proxy.hang();
    proxy.set({ up: "hold", down: "hold" });
  },
};

describe.concurrent("a leader that is cut off from the store", () => {
  const cases = (["lease", "confirm"] as const).flatMap((freshness) =>
    Object.entries(partitions).map(([name, cut]) => ({ freshness, name, cut })),
  );

  it.each(cases)(
    "grants nothing by the time another leads: $name, with $freshness",
    async ({ freshness, name, cut }) => {
      const oracle = `cut-${freshness}-${Object.keys(partitions).indexOf(name)}`;
      await prepareOracle(database(), oracle, { freshness });
      await using proxy = await FaultProxy.open(postgres());
      await using old = await openNode(database(), oracle, { url: asRole(proxy.url(database())), freshness });
      const { epoch, tenure } = await leads(old);
      await old.persistHighWater(physicalMs(1_000), epoch);
      await using successor = await openNode(database(), oracle, { freshness });
      await cut(proxy);
      const late = old.persistHighWater(physicalMs(9_000), epoch).catch((error: unknown) => error);
      const next = await leads(successor);
      if (freshness === "lease") expect(tenure?.valid()).toBe(false);
      // Whether it believes that it leads or not, the store does not tell it so.
      else expect(await tenure?.confirm?.().catch(() => false)).toBe(false);
      const floor = await successor.loadHighWater();
      // Without an answer it may be there or not; with a new reign it can no longer come to be there.
      expect([1_000, 9_000]).toContain(floor);
      expect(await late).toMatchObject({ code: expect.stringMatching(/^(uncertain|transient|not_leader)$/) });
      await proxy.heal();
      const item = await itemOf(old, (each) => each.role === "follower" && each.leaderEpoch === next.epoch);
      expect(item).toMatchObject({ role: "follower", leaderEpoch: next.epoch });
      expect(await old.loadHighWater()).toBe(floor);
      expect(await successor.persistHighWater(physicalMs(floor + 1), next.epoch)).toBe(floor + 1);
    },
  );
});

describe.concurrent("a leader that loses its connection", () => {
  it("goes on for what is left of its tenure, writes nothing, and ends it before a successor serves", async () => {
    await prepareOracle(database(), "adrift");
    await using proxy = await FaultProxy.open(postgres());
    const log = new NodeLog();
    await using old = await openNode(database(), "adrift", { url: asRole(proxy.url(database())), log });
    const { epoch, tenure } = await leads(old);
    await old.persistHighWater(physicalMs(1_000), epoch);
    await using successor = await openNode(database(), "adrift");
    await proxy.refuse();
    proxy.reset();
    await log.line(/the connection was lost/);
    expect(tenure?.valid()).toBe(true);
    const refused = await old.persistHighWater(physicalMs(2_000), epoch).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "transient", message: expect.stringContaining("nothing was written") });
    await leadsNoMore(old);
    expect(tenure?.valid()).toBe(false);
    const next = await leads(successor);
    expect(await successor.loadHighWater()).toBe(1_000);
    expect(next.epoch > epoch).toBe(true);
  });

  it("and finds its way back is followed by itself, or by one that need not wait for it", async () => {
    for (const isTaken of [false, true]) {
      const oracle = `back-${isTaken}`;
      await prepareOracle(database(), oracle);
      await using proxy = await FaultProxy.open(postgres());
      await using old = await openNode(database(), oracle, { url: asRole(proxy.url(database())) });
      const { epoch, tenure } = await leads(old);
      const log = new NodeLog();
      await using other = await openNode(database(), oracle, { log, mayLead: () => isTaken });
      if (isTaken) await proxy.refuse();
      proxy.reset();
      if (isTaken) {
        await log.line(/elected; waiting/);
        await proxy.accept();
        await log.line(/the predecessor has stopped; no need to wait/);
      }
      const next = await leads(isTaken ? other : old, epoch);
      expect(next.epoch).toBe(epoch + 1n);
      expect(tenure?.valid()).toBe(false);
    }
  });
});

describe("a leader whose connection is forgotten on the way", () => {
  it("ends its own session at the server, which would keep the lock for a tenure, and begins again", async () => {
    await prepareOracle(database(), "forgotten", { tenureMs: 2_000 });
    await using front = await ForgetfulFront.open(postgres());
    const log = new NodeLog();
    const url = asRole(front.url(database()));
    await using driver = await openNode(database(), "forgotten", { url, log, tenureMs: 2_000 });
    const { epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    front.forget();
    await expect(driver.persistHighWater(physicalMs(2_000), epoch)).rejects.toMatchObject({ code: "uncertain" });
    expect(await log.line(/ended the lost session/)).toMatch(/which still held the lock/);
    const next = await leads(driver, epoch);
    expect(next.epoch).toBe(epoch + 1n);
    expect(await driver.loadHighWater()).toBe(1_000);
  });
});

describe("a follower that is cut off from the store", () => {
  it("knows of nobody, and the leader does not notice", async () => {
    await prepareOracle(database(), "follower");
    await using leader = await openNode(database(), "follower");
    const { epoch, tenure } = await leads(leader);
    await using proxy = await FaultProxy.open(postgres());
    await using follower = await openNode(database(), "follower", { url: asRole(proxy.url(database())) });
    await itemOf(follower, (item) => item.role === "follower");
    proxy.set({ up: "hold", down: "hold" });
    await itemOf(follower, (item) => item.role === "unknown");
    await expect(follower.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    expect(tenure?.valid()).toBe(true);
    expect(await leader.persistHighWater(physicalMs(5), epoch)).toBe(5);
    await proxy.heal();
    await itemOf(follower, (item) => item.role === "follower" && item.leaderEpoch === epoch);
    await leader.resign("the follower is well again");
    await leadsNoMore(leader);
  });
});
