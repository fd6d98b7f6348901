// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { ms } from "../probes.ts";

/** What the subject itself must get right before its driver can be judged. */
export const harnessClauses: ClausesOf<"harness"> = {
  "harness.isolated": clause({
    sentence: "two universes share nothing",
    needs: [],
    body: async (trial) => {
      const other = await trial.another();
      await trial.open(0);
      const here = await trial.reign();
      assert.equal(await here.driver.persistHighWater(ms(1_000), here.epoch), 1_000);
      const there = await other.open(0);
      assert.ok((await there.loadHighWater()) < 1_000, "a new universe sees what was written in another");
      const reign = await other.reign();
      await there.persistHighWater(ms(5_000), reign.epoch);
      assert.equal(await here.driver.loadHighWater(), 1_000, "a universe sees what was written in another");
    },
  }),
  "harness.reopen": clause({
    sentence: "opening a node again sees the same history",
    needs: [],
    body: async (trial) => {
      const first = await trial.open(0);
      const before = await trial.reign();
      await first.persistHighWater(ms(1_000), before.epoch);
      await trial.close(first);
      const again = await trial.open(0);
      assert.equal(await again.loadHighWater(), 1_000);
      const after = await trial.reign();
      assert.ok(after.epoch >= before.epoch, `the epoch went back from ${before.epoch} to ${after.epoch}`);
      assert.equal(await again.persistHighWater(ms(2_000), after.epoch), 2_000);
    },
  }),
};
