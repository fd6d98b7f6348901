// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { FaultProxy, waitUntil } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OracleKeys } from "../src/keys.ts";
import { decodeHighWater } from "../src/records.ts";
import { urlsOf, useEtcd } from "./cluster.ts";
import { type GatewayKey, rangeOf } from "./gateway.ts";
import { itemOf, leads, openNode, prefixOf, prepare } from "./node.ts";

const etcd = useEtcd({ beforeAll, afterAll }, 3);
const endpoints = (): readonly string[] => urlsOf(etcd());

async function settled(): Promise<void> {
  await Promise.all(etcd().map((member) => member.waitHealthy()));
}

describe("a cluster of three members", { timeout: 60_000 }, () => {
  it("goes on in the same reign or another when the member in use is killed, and comes back", async () => {
    await prepare(endpoints(), "killed");
    await using driver = await openNode(endpoints(), "killed");
    const { epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    await etcd()[0]?.kill();
    const again = await waitUntil("a write after the loss", async () => {
      const reign = await leads(driver);
      return await driver.persistHighWater(physicalMs(2_000), reign.epoch).catch(() => undefined);
    });
    expect(again).toBe(2_000);
    expect(await driver.loadHighWater()).toBe(2_000);
    await etcd()[0]?.restart();
    await settled();
  });

  it("goes on when the member in use is paused, whose connection stays open", async () => {
    await prepare(endpoints(), "paused");
    await using driver = await openNode(endpoints(), "paused");
    const { epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    await etcd()[0]?.pause();
    try {
      const again = await waitUntil("a write after the pause", async () => {
        const reign = await leads(driver);
        return await driver.persistHighWater(physicalMs(2_000), reign.epoch).catch(() => undefined);
      });
      expect(again).toBe(2_000);
    } finally {
      await etcd()[0]?.resume();
      await settled();
    }
  });

  it("without a quorum answers nothing, and what timed out may have been written all the same", async () => {
    await prepare(endpoints(), "quorum");
    const [first, second, third] = etcd();
    await using driver = await openNode([first?.url ?? ""], "quorum");
    const { epoch, tenure } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    await Promise.all([second?.pause(), third?.pause()]);
    try {
      const late = driver.persistHighWater(physicalMs(2_000), epoch);
      await expect(late).rejects.toMatchObject({ code: "uncertain" });
      await itemOf(driver, (item) => item.role !== "leader");
      expect(tenure?.valid()).toBe(false);
      await expect(driver.loadHighWater()).rejects.toMatchObject({ code: "transient" });
    } finally {
      await Promise.all([second?.resume(), third?.resume()]);
      await settled();
    }
    const next = await leads(driver, epoch);
    const floor = await driver.loadHighWater();
    expect([1_000, 2_000]).toContain(floor);
    expect(await driver.persistHighWater(physicalMs(2_000), next.epoch)).toBe(2_000);
  });

  it("repeats a write whose deadline passed, and finds that it had been committed (G1)", async () => {
    await prepare(endpoints(), "late");
    const keys = new OracleKeys(prefixOf("late"));
    const stored = async (): Promise<GatewayKey | undefined> =>
      (await rangeOf(endpoints()[0] ?? "", keys.highWater))[0];
    await using proxy = await FaultProxy.open(etcd()[0] ?? { host: "", port: 0 });
    await using driver = await openNode([`127.0.0.1:${proxy.port}`], "late", { opTimeoutMs: 200 });
    const { epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(1_000), epoch);
    proxy.set({ down: "hold" });
    await expect(driver.persistHighWater(physicalMs(2_000), epoch)).rejects.toMatchObject({ code: "uncertain" });
    const committed = await stored();
    expect(decodeHighWater(committed?.value ?? new Uint8Array()).highWater).toBe(2_000);
    proxy.set({ down: "pass" });
    const reign = await leads(driver);
    expect(await driver.persistHighWater(physicalMs(2_000), reign.epoch)).toBe(2_000);
    expect((await stored())?.modRevision).toBe(committed?.modRevision);
  });

  it("keeps what was acknowledged when one member loses its disk", async () => {
    await prepare(endpoints(), "wiped");
    await using driver = await openNode(endpoints(), "wiped");
    const { epoch } = await leads(driver);
    await driver.persistHighWater(physicalMs(7_777), epoch);
    await etcd()[2]?.wipe();
    await settled();
    const reign = await leads(driver);
    expect(await driver.loadHighWater()).toBe(7_777);
    expect(await driver.persistHighWater(physicalMs(7_778), reign.epoch)).toBe(7_778);
    const [register] = await rangeOf(etcd()[2]?.url ?? "", new OracleKeys(prefixOf("wiped")).highWater);
    expect(decodeHighWater(register?.value ?? new Uint8Array()).highWater).toBe(7_778);
  });
});
