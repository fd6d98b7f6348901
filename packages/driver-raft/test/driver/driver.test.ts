// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { RaftNodes, stateOf } from "./raft-nodes.ts";

describe("the Raft driver", () => {
  it.each(["confirm", "lease"] as const)(
    "three nodes elect a leader that raises the high-water (%s)",
    async (freshness) => {
      await using nodes = await RaftNodes.format(3, { freshness });
      await nodes.openAll();
      const { driver, state } = await nodes.leader();
      expect(await driver.persistHighWater(physicalMs(1_000), state.epoch)).toBe(1_000);
      for (const one of nodes.drivers.values()) expect(await one.loadHighWater()).toBe(1_000);
      const { tenure } = state;
      if (freshness === "confirm") expect(await tenure?.confirm?.()).toBe(true);
      else await waitUntil("the lease", () => Promise.resolve(tenure?.valid() === true), { everyMs: 5 });
    },
  );

  it("hands leadership over when it resigns, and goes on above what was", async () => {
    await using nodes = await RaftNodes.format(3);
    await nodes.openAll();
    const old = await nodes.leader();
    await old.driver.persistHighWater(physicalMs(500), old.state.epoch);
    await old.driver.resign("test");
    expect((await stateOf(old.driver))?.role).toBe("follower");
    const next = await nodes.leader();
    expect(next.id).not.toBe(old.id);
    expect(next.state.epoch).toBeGreaterThan(old.state.epoch);
    expect(await next.driver.loadHighWater()).toBe(500);
    await expect(old.driver.persistHighWater(physicalMs(600), old.state.epoch)).rejects.toThrow(/\[fenced\]/);
  });
});
