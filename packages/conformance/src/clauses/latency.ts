// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { inTime, ms, REFUSED, rejectsWith, UNKNOWN } from "../probes.ts";
import { loadOnceHealed, persistOnceHealed } from "./healing.ts";

export const latencyClauses: ClausesOf<"latency"> = {
  "latency.bounded": clause({
    sentence:
      "while the store stalls, calls reject as transient or uncertain instead of hanging, and it heals without reopening",
    needs: ["stall"],
    body: async (trial) => {
      await trial.openAll();
      const { node, driver, epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      const release = await trial.faults.stall(node);
      const stalled = rejectsWith(driver.persistHighWater(ms(2_000), epoch), UNKNOWN);
      await inTime(trial.subject, "the end of a stalled call", stalled);
      await release();
      assert.equal(await persistOnceHealed(trial, { node, driver, epoch }, 3_000), 3_000);
      assert.equal(await loadOnceHealed(trial, driver), 3_000);
    },
  }),
  "latency.partition": clause({
    sentence: "a node that is cut off rejects its calls instead of hanging, and heals without reopening",
    needs: ["partition"],
    nodes: 3,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const reign = await trial.reign();
      await reign.driver.persistHighWater(ms(1_000), reign.epoch);
      const others = [...drivers.keys()].filter((node) => node !== reign.node);
      const heal = await trial.faults.partition([others, [reign.node]]);
      const load = rejectsWith(reign.driver.loadHighWater(), [...UNKNOWN, ...REFUSED]);
      const persist = rejectsWith(reign.driver.persistHighWater(ms(2_000), reign.epoch), [...UNKNOWN, ...REFUSED]);
      await inTime(trial.subject, "the end of the calls of a node that is cut off", Promise.all([load, persist]));
      await heal();
      assert.equal(await persistOnceHealed(trial, reign, 3_000), 3_000);
      for (const [node, driver] of drivers.entries()) {
        assert.equal(await loadOnceHealed(trial, driver), 3_000, `node ${node}, after the partition`);
      }
    },
  }),
};
