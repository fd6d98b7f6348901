// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { MAX_PHYSICAL_MS, PHYSICAL_MS_MAX } from "@tsoracle/core";
import { type ClausesOf, clause } from "../clause.ts";
import { ms, rejectsWith, unchecked } from "../probes.ts";

export const advanceClauses: ClausesOf<"advance"> = {
  "advance.max": clause({
    sentence: "an advance resolves to the maximum of what was stored and what was asked for",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      const steps: readonly (readonly [asked: number, expected: number])[] = [
        [1_000, 1_000],
        [1_000, 1_000],
        [0, 1_000],
        [2_500, 2_500],
        [2_499, 2_500],
        [2_000, 2_500],
      ];
      for (const [asked, expected] of steps) {
        assert.equal(await driver.persistHighWater(ms(asked), epoch), expected, `asked for ${asked}`);
      }
    },
  }),
  "advance.stale": clause({
    sentence: "a stale or reordered call never lowers the high-water",
    needs: [],
    body: async (trial) => {
      const first = await trial.open(0);
      const { epoch } = await trial.reign();
      await first.persistHighWater(ms(5_000), epoch);
      for (const asked of [4_999, 1, 0]) {
        await first.persistHighWater(ms(asked), epoch);
        assert.equal(await first.loadHighWater(), 5_000, `after asking for ${asked}`);
      }
      await trial.close(first);
      const again = await trial.open(0);
      assert.equal(await again.loadHighWater(), 5_000, "after opening again");
    },
  }),
  "advance.concurrent": clause({
    sentence: "concurrent advances resolve as some order of maxima explains, and the largest stays",
    needs: [],
    runs: 3,
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      // The largest is not the last to be asked for, or an overwriting driver would look right.
      const asked = [...shuffled(15, (below) => trial.random.below(below)), -1].map((rank) => 2_000 + rank);
      const results = await Promise.all(asked.map((value) => driver.persistHighWater(ms(value), epoch)));
      for (const [index, result] of results.entries()) {
        const wanted = asked[index] as number;
        assert.ok(result >= wanted, `asked for ${wanted}, got ${result}`);
        const raiser = asked.indexOf(result);
        assert.ok(raiser >= 0, `${result} was never asked for`);
        assert.equal(results[raiser], result, `nobody raised the high-water to ${result}`);
      }
      assert.equal(await driver.loadHighWater(), Math.max(...asked));
    },
  }),
  "advance.range": clause({
    sentence: "2^46-1 is accepted; 2^46, negative and fractional values are out_of_range and write nothing",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      for (const bad of [PHYSICAL_MS_MAX + 1, -1, 1_000.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        await rejectsWith(driver.persistHighWater(unchecked(bad), epoch), ["out_of_range"]);
        assert.equal(await driver.loadHighWater(), 1_000, `${bad} was written`);
      }
      assert.equal(await driver.persistHighWater(MAX_PHYSICAL_MS, epoch), PHYSICAL_MS_MAX);
      assert.equal(await driver.loadHighWater(), PHYSICAL_MS_MAX);
    },
  }),
};

/** The ranks `0..count-1` in a random order. */
function shuffled(count: number, below: (below: number) => number): number[] {
  const ranks = Array.from({ length: count }, (_, rank) => rank);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = below(last + 1);
    [ranks[last], ranks[other]] = [ranks[other] as number, ranks[last] as number];
  }
  return ranks;
}
