// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { ms } from "../probes.ts";

export const loadClauses: ClausesOf<"load"> = {
  "load.fresh": clause({
    sentence: "a fresh history loads zero",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      assert.equal(await driver.loadHighWater(), 0);
    },
  }),
  "load.linearized": clause({
    sentence: "a load sees every advance that resolved before it, from any node and epoch",
    needs: [],
    uses: ["elect"],
    body: async (trial) => {
      const drivers = await trial.openAll();
      const { elect } = trial.faults;
      let reign = await trial.reign();
      for (let round = 1; round <= 4; round += 1) {
        const written = await reign.driver.persistHighWater(ms(round * 1_000), reign.epoch);
        for (const [node, driver] of drivers.entries()) {
          assert.equal(await driver.loadHighWater(), written, `node ${node}, round ${round}`);
        }
        if (elect !== undefined) reign = await trial.reignOf((reign.node + 1) % drivers.length, elect);
      }
    },
  }),
};
