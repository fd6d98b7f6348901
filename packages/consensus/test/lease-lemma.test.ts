// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BOOT_CLOCK_RESOLUTION_MS, LeaseClock, TenureKeeper } from "../src/index.ts";
import { live, lives, soundRules, WorldClock } from "./lease-world.ts";
import * as mutants from "./mutants/lease-mutants.ts";

describe("the lease lemma (postgres-redis.md 2.3)", () => {
  it("lets no old leader be valid once its successor serves, for any rates, delays, pauses, suspends and clock steps", () => {
    let telling = 0;
    fc.assert(
      fc.property(lives, (life) => {
        const lived = live(life, soundRules);
        if (lived.validBefore > 0) telling += 1;
        expect(lived.overlaps).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
    expect(telling).toBeGreaterThan(1_000);
  });

  it.each(Object.entries(mutants))("does not hold for the mutant %s", (_name, rules) => {
    const result = fc.check(
      fc.property(lives, (life) => live(life, rules).overlaps.length === 0),
      { numRuns: 20_000, seed: 1 },
    );
    expect(result.failed).toBe(true);
  });

  it("holds to the last millisecond after a suspend that only the boot clock saw, at any phase of its steps", () => {
    const terms = { tenureMs: 1_000, drift: 0.1 };
    const slowest = 1 - terms.drift;
    for (let phase = 0; phase < 3 * BOOT_CLOCK_RESOLUTION_MS; phase += 1) {
      const start = 1_000 + phase;
      // The wall clock was set back while the machine slept, so it helps nobody.
      const clock = new WorldClock(slowest, [{ at: start + 1, forMs: 998 }], [{ at: start + 2, byMs: -5_000 }]);
      clock.realMs = start;
      const keeper = new TenureKeeper(new LeaseClock(clock), terms);
      keeper.renewed(keeper.mark());
      clock.realMs = start + terms.tenureMs;
      expect(keeper.valid()).toBe(false);
    }
  });
});
