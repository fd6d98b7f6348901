// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ClausesOf, clause } from "../clause.ts";
import { inTime, ms, seqKey, settle, turns } from "../probes.ts";
import { loadOnceHealed, persistOnceHealed } from "./healing.ts";

export const cancelClauses: ClausesOf<"cancel"> = {
  "cancel.before": clause({
    sentence: "a call whose signal is aborted already rejects with the signal's reason and has no effect",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      const reason = new Error("cancelled before it began");
      const options = { signal: AbortSignal.abort(reason) };
      const key = seqKey("orders");
      const calls: readonly (() => Promise<unknown> | undefined)[] = [
        () => driver.loadHighWater(options),
        () => driver.persistHighWater(ms(2_000), epoch, options),
        () => driver.sequences?.advance([{ key, count: 1 }], epoch, options),
      ];
      for (const call of calls) {
        const pending = call();
        if (pending === undefined) continue;
        const settled = await settle(pending);
        assert.ok(!settled.ok && settled.error === reason, "the call did not reject with the signal's reason");
      }
      await turns();
      assert.equal(await driver.loadHighWater(), 1_000, "a cancelled advance was written");
      if (driver.sequences !== undefined) assert.equal(await driver.sequences.load(key), 0n);
    },
  }),
  "cancel.in-flight": clause({
    sentence: "aborting a call in flight corrupts nothing, and a late write only raises",
    needs: [],
    uses: ["stall"],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      for (const [round, stalled] of [false, true].entries()) {
        const release = stalled ? await trial.faults.stall?.(0) : undefined;
        const reason = new Error("cancelled in flight");
        const cancel = new AbortController();
        const asked = 2_000 + round * 2_000;
        const call = settle(driver.persistHighWater(ms(asked), epoch, { signal: cancel.signal }));
        cancel.abort(reason);
        const settled = await inTime(trial.subject, "the end of a cancelled call", call);
        if (settled.ok) assert.equal(settled.value, asked);
        else assert.equal(settled.error, reason, "it rejected with something else than the signal's reason");
        await release?.();
        assert.equal(await persistOnceHealed(trial, { node: 0, driver, epoch }, asked + 1_000), asked + 1_000);
        await turns();
        assert.equal(await loadOnceHealed(trial, driver), asked + 1_000, "after a late write");
      }
    },
  }),
};
