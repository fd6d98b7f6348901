// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { inTime, isTemporary, ms, REFUSED, rejectsWith, settle, turns } from "../probes.ts";
import { singleReign } from "./elections.ts";

export const fencingClauses: ClausesOf<"fencing"> = {
  "fencing.superseded": clause({
    sentence: "a superseded epoch never raises the high-water and is refused as fenced or not_leader",
    needs: ["elect"],
    inapplicable: singleReign,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      await old.driver.persistHighWater(ms(1_000), old.epoch);
      const next = await trial.reignOf((old.node + 1) % drivers.length, trial.faults.elect);
      assert.ok(next.epoch > old.epoch, `epoch ${next.epoch} follows ${old.epoch}`);
      // By the driver that held the epoch, and by the one that holds the newer: it is the epoch that counts.
      await rejectsWith(old.driver.persistHighWater(ms(5_000), old.epoch), REFUSED);
      await rejectsWith(next.driver.persistHighWater(ms(6_000), old.epoch), REFUSED);
      assert.equal(await next.driver.loadHighWater(), 1_000, "a superseded epoch raised the high-water");
      assert.equal(await next.driver.persistHighWater(ms(2_000), next.epoch), 2_000);
      await rejectsWith(old.driver.persistHighWater(ms(1_500), old.epoch), REFUSED);
      assert.equal(await next.driver.loadHighWater(), 2_000, "a superseded epoch changed the high-water");
    },
  }),
  "fencing.late": clause({
    sentence: "a write that was held back across an election is never acknowledged and raises nothing",
    needs: ["stall", "elect"],
    nodes: 3,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      await old.driver.persistHighWater(ms(1_000), old.epoch);
      const release = await trial.faults.stall(old.node);
      const held = settle(old.driver.persistHighWater(ms(5_000), old.epoch));
      await turns();
      const next = await trial.reignOf((old.node + 1) % drivers.length, trial.faults.elect);
      const floor = await next.driver.loadHighWater();
      await release();
      const outcome = await inTime(trial.subject, "the end of the held write", held);
      assert.ok(!outcome.ok, "a write of a superseded epoch was acknowledged");
      assert.ok(isTemporary(outcome.error), `it rejected with ${outcome.error}`);
      await turns();
      assert.equal(await next.driver.loadHighWater(), floor, "a write of a superseded epoch landed after the new load");
    },
  }),
};
