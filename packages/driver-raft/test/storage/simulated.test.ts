// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { SimulatedCrash, SimulatedDirectory } from "../../src/storage/index.ts";
import { contentOf } from "./checks.ts";
import { seeded } from "./life.ts";

function disk(seed = 1): SimulatedDirectory {
  return new SimulatedDirectory({ chance: seeded(seed) });
}

/** A durable file of two sectors of ones. */
function withFile(directory: SimulatedDirectory): SimulatedDirectory {
  const file = directory.create("a");
  file.pwrite(new Uint8Array(1024).fill(1), 0);
  file.fdatasync();
  directory.sync();
  return directory;
}

describe("simulated directory", () => {
  it("keeps what was synced over a loss of power, and may lose the rest sector by sector", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const directory = withFile(disk(seed));
      directory.open("a").pwrite(new Uint8Array(1024).fill(2), 0);
      expect(contentOf(directory, "a")[0]).toBe(2);
      directory.losePower();
      const bytes = contentOf(directory, "a");
      expect(new Set(bytes.subarray(0, 512)).size + new Set(bytes.subarray(512)).size).toBe(2);
      seen.add(`${bytes[0]}${bytes[512]}`);
    }
    expect([...seen].sort()).toEqual(["11", "12", "21", "22"]);
  });

  it("loses names that were not synced, and keeps the old file under a name", () => {
    const directory = withFile(disk());
    directory.create("b").fdatasync();
    directory.rename("b", "a");
    expect(directory.atRisk()).toEqual({ names: 2, sectors: new Map() });
    directory.losePowerExactly(0, () => true);
    expect(directory.list()).toEqual(["a"]);
    expect(contentOf(directory, "a")).toHaveLength(1024);
  });

  it("does not bring back what a failed sync dropped, although programs still see it", () => {
    const directory = withFile(disk(4));
    directory.plan = ({ kind }) => (kind === "fdatasync" ? { kind: "error", code: "EIO" } : undefined);
    const file = directory.open("a");
    file.pwrite(new Uint8Array(8192).fill(3), 0);
    expect(() => file.fdatasync()).toThrow(/EIO/);
    directory.plan = undefined;
    file.fdatasync();
    expect(contentOf(directory, "a").every((byte) => byte === 3)).toBe(true);
    directory.losePower();
    expect(contentOf(directory, "a").every((byte) => byte === 3)).toBe(false);
    expect(directory.counters.syncErrors).toBe(1);
  });

  it("fills up, and takes what fits", () => {
    const directory = withFile(disk());
    directory.capacityBytes = 2048;
    const file = directory.create("b");
    expect(() => file.preallocate(4096)).toThrow(/ENOSPC/);
    expect(file.size()).toBe(1024);
    file.pwrite(new Uint8Array(10), 100);
    expect(directory.counters.fullDisk).toBe(1);
  });

  it("ends the process at a planned crash, with all its handles", () => {
    const directory = withFile(disk());
    const file = directory.open("a");
    directory.plan = ({ kind }) => (kind === "pwrite" ? { kind: "crash_after" } : undefined);
    expect(() => file.pwrite(Uint8Array.of(9), 0)).toThrow(SimulatedCrash);
    expect(() => directory.list()).toThrow(SimulatedCrash);
    directory.plan = undefined;
    directory.endProcess();
    expect(() => file.read(0, 1)).toThrow(/EBADF/);
    expect(contentOf(directory, "a")[0]).toBe(9);
  });

  it("clones, flips and wipes", () => {
    const directory = withFile(disk());
    const copy = directory.clone();
    copy.flipBit("a", 3, 0);
    expect([contentOf(directory, "a")[3], contentOf(copy, "a")[3]]).toEqual([1, 0]);
    directory.wipe();
    expect(directory.list()).toEqual([]);
    expect(directory.counters).toMatchObject({ clones: 1, wipes: 1 });
    expect(copy.counters.bitFlips).toBe(1);
    expect(copy.list()).toEqual(["a"]);
  });

  it("gives the same history for the same seed", () => {
    const historyOf = (seed: number): string => {
      const directory = withFile(disk(seed));
      directory.open("a").pwrite(new Uint8Array(8192).fill(2), 0);
      directory.losePower();
      return Buffer.from(contentOf(directory, "a")).toString("hex");
    };
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    expect(seeds.map(historyOf)).toEqual(seeds.map(historyOf));
    expect(new Set(seeds.map(historyOf)).size).toBeGreaterThan(5);
  });
});
