// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as storage from "../../src/storage/index.ts";
import { arbitraryOp } from "./arbitrary-op.ts";
import {
  countOperations,
  crashEverywhere,
  crashWhileMending,
  crashWhileOpening,
  failEverywhere,
  faultAt,
  recover,
  SCRIPT,
} from "./checks.ts";
import { Life, seeded } from "./life.ts";

// Many hundreds of starts each: seconds on an idle machine, more on a busy one.
const patience = { timeout: 120_000 };

describe("storage over crashes (C3, C5, C6)", patience, () => {
  it("keeps what was acknowledged wherever power is lost, whatever reaches the disk", () => {
    crashEverywhere(storage, 3);
  });

  it("opens again after a loss of power at any step of opening", () => {
    crashWhileOpening(storage, 5);
  });

  it("opens again after a loss of power while it mends a rotten slot (C7)", () => {
    crashWhileMending(storage);
  });

  it("keeps what was acknowledged over any number of lives", () => {
    const life = fc.record({
      ops: fc.array(arbitraryOp, { maxLength: 12 }),
      crashAt: fc.integer({ min: 1, max: 80 }),
      ending: fc.constantFrom("power" as const, "process" as const),
    });
    fc.assert(
      fc.property(fc.array(life, { minLength: 1, maxLength: 5 }), fc.integer(), (lives, seed) => {
        const node = new Life(storage, seeded(seed));
        for (const { ops, crashAt, ending } of lives) {
          faultAt(node, crashAt, seed % 2 === 0 ? "crash_after" : "crash_before");
          if (node.start() === "done") ops.every((each) => node.run(each) === "done");
          if (ending === "power") node.disk.losePower();
          else node.disk.endProcess();
        }
        recover(node);
      }),
      { numRuns: 300 },
    );
  });

  it("really lost, tore and reordered writes and lost names in such lives", () => {
    const totals = { lostWrites: 0, tornWrites: 0, reorderedWrites: 0, lostDirectoryEntries: 0 };
    const operations = countOperations(storage, SCRIPT);
    for (let at = 1; at <= operations; at += 1) {
      const life = new Life(storage, seeded(at));
      faultAt(life, at, "crash_after");
      if (life.start() === "done") SCRIPT.every((each) => life.run(each) === "done");
      life.disk.losePower();
      for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += life.disk.counters[key];
    }
    for (const [name, count] of Object.entries(totals)) expect(count, name).toBeGreaterThan(0);
  });
});

describe("storage over failed writes and syncs (P9)", patience, () => {
  it("takes no more calls, and the next process loses nothing and builds on nothing that is only cached", () => {
    failEverywhere(storage);
  });
});
