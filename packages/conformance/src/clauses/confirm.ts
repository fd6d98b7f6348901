// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Tenure } from "@tsoracle/consensus";
import { type ClausesOf, clause } from "../clause.ts";
import { inTime, isTemporary, pause, settle, turns } from "../probes.ts";
import type { Subject } from "../subject.ts";
import type { Reign, Trial } from "../trial.ts";
import { isLeader } from "../watch.ts";

type Confirm = () => Promise<boolean>;

/** What a confirmation is worth while things go wrong. That it is true when nothing does is in leadership.tenure. */
export const confirmClauses: ClausesOf<"confirm"> = {
  "confirm.deposed": clause({
    sentence: "once a successor leads, no confirmation that is asked for is true, also by a leader whose store stalled",
    needs: ["stall", "elect"],
    nodes: 3,
    inapplicable: withoutConfirm,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      const confirm = await confirmOf(trial, old);
      assert.equal(await confirm(), true, `epoch ${old.epoch} reigns`);
      const release = await trial.faults.stall(old.node);
      // Asked before the election it may come out either way; it must not answer for those that come after it.
      const early = settle(confirm());
      await turns();
      const next = await trial.reignOf((old.node + 1) % drivers.length, trial.faults.elect);
      await assertNeverTrue(trial.subject, confirm, `epoch ${next.epoch} leads, and the old leader's store stalls`);
      await release();
      await inTime(trial.subject, "the end of a confirmation that was held", early);
      await assertNeverTrue(trial.subject, confirm, `epoch ${next.epoch} leads, and the old leader is back`);
      const successor = await confirmOf(trial, next);
      assert.equal(await successor(), true, `epoch ${next.epoch} reigns`);
    },
  }),
  "confirm.cut-off": clause({
    sentence: "a leader that is cut off has no confirmation, and is told so in time; once healed there is one again",
    needs: ["partition"],
    nodes: 3,
    inapplicable: withoutConfirm,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      const confirm = await confirmOf(trial, old);
      assert.equal(await confirm(), true, `epoch ${old.epoch} reigns`);
      const others = [...drivers.keys()].filter((node) => node !== old.node);
      const heal = await trial.faults.partition([others, [old.node]]);
      for (let asked = 0; asked < 3; asked += 1) await assertNeverTrue(trial.subject, confirm, "it is cut off");
      await heal();
      for (;;) {
        const reign = await trial.reign();
        const again = await settle((await confirmOf(trial, reign))());
        if (again.ok && again.value) return;
        if (!again.ok) assert.ok(isTemporary(again.error), `after the partition it rejected with ${again.error}`);
        await pause(trial.signal);
      }
    },
  }),
};

function withoutConfirm({ capabilities: { realTimeOrder } }: Subject): string | undefined {
  return realTimeOrder === "confirm" ? undefined : `realTimeOrder is ${realTimeOrder}: nothing is confirmed`;
}

/** How the leader of a reign asks whether it still is the newest. */
async function confirmOf(trial: Trial<never, never>, { driver, epoch }: Reign): Promise<Confirm> {
  const { tenure } = await trial.watch(driver).until(isLeader);
  return bind(tenure) ?? assert.fail(`the leader of epoch ${epoch} has no confirm(), but realTimeOrder is confirm`);
}

function bind(tenure: Tenure | undefined): Confirm | undefined {
  return tenure?.confirm === undefined ? undefined : tenure.confirm.bind(tenure, undefined);
}

async function assertNeverTrue(subject: Subject, confirm: Confirm, when: string): Promise<void> {
  const answer = await inTime(subject, `the end of a confirmation while ${when}`, settle(confirm()));
  if (answer.ok) assert.equal(answer.value, false, `a confirmation was true although ${when}`);
  else assert.ok(isTemporary(answer.error), `a confirmation rejected with ${answer.error} while ${when}`);
}
