// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";
import { openMemoryDriver } from "@tsoracle/consensus/memory";
import { epoch, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { withoutTenureCheck } from "../src/without-tenure-check.ts";

const LAPSED = { valid: () => false, confirm: () => Promise.resolve(false) };

/** The memory driver with a tenure that has lapsed, between two other items. */
function lapsed(): ConsensusDriver {
  const driver = openMemoryDriver();
  driver.leadershipEvents = async function* (): AsyncGenerator<LeaderState> {
    yield { role: "unknown" };
    yield { role: "leader", epoch: epoch(5n), tenure: LAPSED };
    yield { role: "follower" };
  };
  return driver;
}

async function itemsOf(driver: ConsensusDriver): Promise<LeaderState[]> {
  const items: LeaderState[] = [];
  for await (const item of driver.leadershipEvents({ signal: new AbortController().signal })) items.push(item);
  return items;
}

describe("a driver without its tenure check", () => {
  it("says that a lapsed tenure is valid, and changes no other item", async () => {
    const [first, leader, last] = await itemsOf(withoutTenureCheck(lapsed()));
    expect([first, last]).toEqual([{ role: "unknown" }, { role: "follower" }]);
    if (leader?.role !== "leader") throw new Error("expected a leader");
    expect([leader.epoch, leader.tenure?.valid(), await leader.tenure?.confirm?.()]).toEqual([5n, true, true]);
  });

  it("leaves the driver itself alone", async () => {
    const driver = lapsed();
    withoutTenureCheck(driver);
    const [, leader] = await itemsOf(driver);
    expect(leader?.role === "leader" && leader.tenure?.valid()).toBe(false);
  });

  it("gives no tenure to a leader that has none", async () => {
    const driver = lapsed();
    driver.leadershipEvents = async function* (): AsyncGenerator<LeaderState> {
      yield { role: "leader", epoch: epoch(5n) };
    };
    expect(await itemsOf(withoutTenureCheck(driver))).toEqual([{ role: "leader", epoch: 5n }]);
  });

  it("persists, loads and names itself as the driver does", async () => {
    await using driver = withoutTenureCheck(openMemoryDriver());
    const stop = new AbortController();
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) {
      if (item.role === "leader") await driver.persistHighWater(physicalMs(7), item.epoch);
      break;
    }
    stop.abort();
    expect(await driver.loadHighWater()).toBe(7);
    expect([driver.name, driver.capabilities]).toEqual(["memory", openMemoryDriver().capabilities]);
    expect(driver.sequences).toBeDefined();
  });
});
