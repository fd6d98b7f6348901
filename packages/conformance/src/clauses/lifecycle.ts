// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { type ClausesOf, clause } from "../clause.ts";
import { inTime, ms, rejectsWith, seqKey, settle, turns } from "../probes.ts";
import { isLeader } from "../watch.ts";

export const lifecycleClauses: ClausesOf<"lifecycle"> = {
  "lifecycle.capabilities": clause({
    sentence:
      "capabilities are frozen, stable and what the package exports, and a leader item has a tenure exactly if realTimeOrder is lease or confirm",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { capabilities } = driver;
      assert.deepEqual({ ...capabilities }, { ...trial.subject.capabilities });
      assert.ok(Object.isFrozen(capabilities), "capabilities is not frozen");
      assert.ok(typeof driver.name === "string" && driver.name !== "", "the driver has no name");
      const item = await trial.watch(driver).until(isLeader);
      assert.equal(driver.capabilities, capabilities, "capabilities became another object");
      const expected = capabilities.realTimeOrder === "lease" || capabilities.realTimeOrder === "confirm";
      assert.equal(item.tenure !== undefined, expected, `realTimeOrder is ${capabilities.realTimeOrder}`);
    },
  }),
  "lifecycle.dispose-idempotent": clause({
    sentence: "disposing twice is disposing once",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      await trial.reign();
      await trial.close(driver);
      const again = await settle(Promise.resolve(driver[Symbol.asyncDispose]()));
      assert.ok(again.ok, `the second disposal rejected: ${String(again.ok || again.error)}`);
    },
  }),
  "lifecycle.closed": clause({
    sentence: "a call after disposal rejects with closed",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      await trial.close(driver);
      for (const call of everyCall(driver, epoch)) await rejectsWith(call(), ["closed"]);
    },
  }),
  "lifecycle.dispose-settles": clause({
    sentence: "disposal waits for the calls under way to settle and ends the streams",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      const { epoch } = await trial.reign();
      const stream = trial.watch(driver);
      await stream.until(isLeader);
      let open = 0;
      const calls = everyCall(driver, epoch).map(async (call) => {
        open += 1;
        await settle(call());
        open -= 1;
      });
      await inTime(trial.subject, "the end of disposal", trial.close(driver));
      // The reactions to settled calls run after the calls; one turn lets them.
      await turns(1);
      assert.equal(open, 0, "disposal resolved while calls were under way");
      await Promise.all(calls);
      const end = await inTime(trial.subject, "the end of the stream", stream.ended);
      assert.equal(end.how, "done", "disposal made the stream throw");
    },
  }),
  "lifecycle.exclusive": clause({
    sentence:
      "where realTimeOrder is exclusive, a history that is open is refused to everybody else, and free after disposal",
    needs: [],
    inapplicable: ({ capabilities: { realTimeOrder } }) =>
      realTimeOrder === "exclusive" ? undefined : `realTimeOrder is ${realTimeOrder}: others may open the history too`,
    body: async (trial) => {
      const holder = await trial.open(0);
      const { epoch } = await trial.reign();
      await holder.persistHighWater(ms(1_000), epoch);
      const intruder = await settle(trial.open(0));
      if (intruder.ok) {
        // The trial closes the intruder, which it takes for the node's driver now.
        await trial.close(holder);
        assert.fail("the history was opened a second time while its holder lives");
      }
      assert.equal(await holder.persistHighWater(ms(2_000), epoch), 2_000, "after somebody was refused");
      await trial.close(holder);
      const next = await trial.open(0);
      assert.equal(await next.loadHighWater(), 2_000);
    },
  }),
};

/** One call of each method that the driver has. */
function everyCall(driver: ConsensusDriver, epoch: Epoch): readonly (() => Promise<unknown>)[] {
  const { sequences, leases } = driver;
  const key = seqKey("orders");
  return [
    () => driver.loadHighWater(),
    () => driver.persistHighWater(ms(1_000), epoch),
    ...(sequences === undefined
      ? []
      : [() => sequences.load(key), () => sequences.advance([{ key, count: 1 }], epoch)]),
    ...(leases === undefined ? [] : [() => leases.load(), () => leases.replace([], epoch)]),
  ];
}
