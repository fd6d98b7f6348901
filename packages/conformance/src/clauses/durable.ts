// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { ms, type Settled, settle } from "../probes.ts";
import { wipedClauses } from "./wiped.ts";

export const durableClauses: ClausesOf<"durable"> = {
  "durable.crash": clause({
    sentence: "an advance that resolved survives a crash",
    needs: ["crash"],
    body: async (trial) => {
      await trial.openAll();
      for (const value of [1_000, 2_000, 3_000]) {
        const { node, driver, epoch } = await trial.reign();
        assert.equal(await driver.persistHighWater(ms(value), epoch), value);
        await trial.faults.crash(node);
        const restarted = await trial.open(node);
        assert.equal(await restarted.loadHighWater(), value, "after the crash");
      }
    },
  }),
  "durable.unresolved": clause({
    sentence: "an advance that a crash cut off may or may not be there, and nothing regresses",
    needs: ["crash"],
    body: async (trial) => {
      await trial.openAll();
      const before = await trial.reign();
      await before.driver.persistHighWater(ms(1_000), before.epoch);
      let cutOff: Settled<number> | undefined;
      // It may never settle: a dead process answers nobody.
      void settle(before.driver.persistHighWater(ms(2_000), before.epoch)).then((settled) => {
        cutOff = settled;
      });
      await trial.faults.crash(before.node);
      const restarted = await trial.open(before.node);
      const found = await restarted.loadHighWater();
      assert.ok(found === 1_000 || found === 2_000, `1000 resolved and 2000 was asked for, but ${found} is there`);
      if (cutOff?.ok === true) assert.equal(found, 2_000, "the cut-off advance had resolved");
      const after = await trial.reign();
      const raised = await after.driver.persistHighWater(ms(1_500), after.epoch);
      assert.ok(raised >= found && raised >= 1_500, `${found} was there, then ${raised}`);
      await trial.faults.crash(after.node);
      const again = await trial.open(after.node);
      assert.ok((await again.loadHighWater()) >= raised, "the second crash lost a resolved advance");
    },
  }),
  ...wipedClauses,
};
