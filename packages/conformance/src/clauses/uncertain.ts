// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { isTemporary, ms, pause, rejectsWith, settle, UNKNOWN } from "../probes.ts";

export const uncertainClauses: ClausesOf<"uncertain"> = {
  "uncertain.lost-reply": clause({
    sentence: "a write whose reply was lost is uncertain or transient, and a retry is safe",
    needs: ["loseReply"],
    body: async (trial) => {
      await trial.openAll();
      const { node, driver, epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      await trial.faults.loseReply(node);
      await rejectsWith(driver.persistHighWater(ms(2_000), epoch), UNKNOWN);
      let retried = await settle(driver.persistHighWater(ms(2_000), epoch));
      while (!retried.ok) {
        // Losing a reply may cost the reign; under the next one the retry is as safe.
        assert.ok(isTemporary(retried.error), `the retry rejected with ${retried.error}`);
        await pause(trial.signal);
        const reign = await trial.reign();
        retried = await settle(reign.driver.persistHighWater(ms(2_000), reign.epoch));
      }
      assert.equal(retried.value, 2_000);
      assert.equal(await driver.loadHighWater(), 2_000);
    },
  }),
};
