// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type Hazard, World } from "./campaign-world.ts";

const SIMULATED_MS = 30_000;

function runs(seeds: number, hazard: Hazard, freshness: "lease" | "confirm" = "lease"): World[] {
  return Array.from({ length: seeds }, (_, index) => {
    const world = new World({ seed: index + 1, freshness, hazard });
    world.run(SIMULATED_MS);
    return world;
  });
}

describe("campaigns in a simulated world", () => {
  const worlds = runs(300, "none");

  it("never let two processes answer at once, with clocks that drift, pauses, crashes and lost sessions", () => {
    const violations = worlds.flatMap((world, index) => world.violations.map((text) => `seed ${index + 1}: ${text}`));
    expect(violations).toEqual([]);
  });

  it("never announce an epoch twice, and each is above the one before", () => {
    for (const { leaders } of worlds) {
      const epochs = leaders.map(({ epoch }) => epoch);
      expect(new Set(epochs).size).toBe(epochs.length);
    }
  });

  it("meet what they are meant to meet", () => {
    const total = (count: (world: World) => number): number => worlds.reduce((sum, world) => sum + count(world), 0);
    expect(total(({ leaders }) => leaders.length)).toBeGreaterThan(3_000);
    expect(total(({ handovers }) => handovers)).toBeGreaterThan(100);
    expect(total(({ suspensions }) => suspensions)).toBeGreaterThan(50);
    expect(total(({ evictions }) => evictions)).toBeGreaterThan(10);
    expect(total(({ adrift }) => adrift)).toBeGreaterThan(100);
    expect(total(({ lateWords }) => lateWords)).toBeGreaterThan(50);
  });

  it("would be caught waiting too short a time", () => {
    expect(runs(100, "short-wait").flatMap(({ violations }) => violations)).not.toEqual([]);
  });

  it("would be caught taking a predecessor for stopped before it says so", () => {
    expect(runs(100, "early-word").flatMap(({ violations }) => violations)).not.toEqual([]);
  });

  it("would be caught taking every predecessor for one that has stopped", () => {
    expect(runs(100, "always-clean").flatMap(({ violations }) => violations)).not.toEqual([]);
  });
});
