// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { type Clause, clause } from "../clause.ts";
import type { ClauseId } from "../clause-id.ts";
import { callTimeoutMs, inTime, ms, settle, soon } from "../probes.ts";
import type { Subject } from "../subject.ts";
import { persistOnceHealed } from "./healing.ts";

type WipedId = Extract<ClauseId, "durable.wiped" | "durable.wiped-in-turn">;

/** What a store that lost its data may do to the others: nothing. */
export const wipedClauses: { readonly [Id in WipedId]: Clause } = {
  "durable.wiped": clause({
    sentence: "a minority of the stores that lose their data take no advance with them, and the rest goes on",
    needs: ["wipe"],
    inapplicable: oneStore,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const reign = await trial.reign();
      await reign.driver.persistHighWater(ms(1_000), reign.epoch);
      for (let store = 0; store < minorityOf(trial.subject); store += 1) {
        await trial.faults.wipe(store);
        await assertNoLess(trial.subject, drivers, 1_000);
      }
      assert.equal(await persistOnceHealed(trial, reign, 2_000), 2_000, "with a minority of the stores lost");
      await assertNoLess(trial.subject, drivers, 2_000);
      const { driver } = await trial.reign();
      assert.equal(await driver.loadHighWater(), 2_000, "with a minority of the stores lost");
    },
  }),
  "durable.wiped-in-turn": clause({
    sentence: "a store that lost its data has no vote: one after the other may lose it, and nothing goes back",
    needs: ["wipe"],
    inapplicable: oneStore,
    body: async (trial) => {
      const { subject } = trial;
      const drivers = await trial.openAll();
      const { driver, epoch } = await trial.reign();
      await driver.persistHighWater(ms(1_000), epoch);
      // One store keeps its memory: a history of which nothing is left cannot be told from a new one.
      for (let store = 0; store < storesOf(subject) - 1; store += 1) {
        await trial.faults.wipe(store);
        await assertNoLess(subject, drivers, 1_000);
      }
      for (const open of drivers) await trial.close(open);
      const again: ConsensusDriver[] = [];
      for (let node = 0; node < subject.nodes; node += 1) {
        // A node that finds too little to go on with may refuse to open.
        const opened = await settle(trial.open(node));
        if (opened.ok) again.push(opened.value);
      }
      await assertNoLess(subject, again, 1_000);
      const elected = await soon(callTimeoutMs(subject), trial.reign());
      if (elected !== undefined) {
        const raised = await settle(elected.driver.persistHighWater(ms(1), elected.epoch));
        if (raised.ok)
          assert.ok(raised.value >= 1_000, `a leader elected by stores without memory has ${raised.value}`);
      }
      await assertNoLess(subject, again, 1_000);
    },
  }),
};

function oneStore(subject: Subject): string | undefined {
  return storesOf(subject) < 3 ? "one store keeps the history: no driver can make its loss good" : undefined;
}

function storesOf({ stores = 1 }: Subject): number {
  return stores;
}

function minorityOf(subject: Subject): number {
  return Math.ceil(storesOf(subject) / 2) - 1;
}

/** A load may be refused; one that resolves has seen what was acknowledged. */
async function assertNoLess(subject: Subject, drivers: readonly ConsensusDriver[], least: number): Promise<void> {
  for (const [node, driver] of drivers.entries()) {
    const loaded = await inTime(subject, `the end of a load by node ${node}`, settle(driver.loadHighWater()));
    if (loaded.ok)
      assert.ok(loaded.value >= least, `${least} was acknowledged, and node ${node} loads ${loaded.value}`);
  }
}
