// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ConsensusDriver, epochOf, type LeaderState, type Tenure } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { type Clause, clause } from "../clause.ts";
import type { ClauseId } from "../clause-id.ts";
import { eventually, ms, REFUSED, rejectsWith } from "../probes.ts";
import type { Faults } from "../subject.ts";
import type { Reign, Trial } from "../trial.ts";
import { isLeader, type Watch } from "../watch.ts";
import { singleReign } from "./elections.ts";

type ElectionId = Extract<
  ClauseId,
  | "leadership.epoch-order"
  | "leadership.one-per-epoch"
  | "leadership.tenure"
  | "leadership.wait-out"
  | "leadership.resign"
>;

/** What elections promise to everybody. */
export const electionClauses: { readonly [Id in ElectionId]: Clause } = {
  "leadership.epoch-order": clause({
    sentence: "epochs never decrease within one stream, and a later reign has a larger one",
    needs: ["elect"],
    inapplicable: singleReign,
    body: async (trial) => {
      const { streams, reigns } = await electInTurn(trial, 3);
      for (const [index, { epoch }] of reigns.entries()) {
        const before = reigns[index - 1]?.epoch ?? -1n;
        assert.ok(epoch > before, `the reign of epoch ${epoch} began after that of epoch ${before}`);
      }
      for (const [node, stream] of streams.entries()) {
        let highest = -1n;
        for (const item of stream.items) {
          const epoch: bigint = epochOf(item) ?? highest;
          assert.ok(epoch >= highest, `the stream of node ${node} went from epoch ${highest} to ${epoch}`);
          highest = epoch;
        }
      }
    },
  }),
  "leadership.one-per-epoch": clause({
    sentence: "no two nodes are ever leader in the same epoch",
    needs: ["elect"],
    nodes: 3,
    body: async (trial) => {
      const { streams } = await electInTurn(trial, 8);
      const leaders = new Map<Epoch, number>();
      for (const [node, stream] of streams.entries()) {
        for (const item of stream.items) {
          if (!isLeader(item)) continue;
          const other = leaders.get(item.epoch) ?? node;
          assert.equal(node, other, `nodes ${other} and ${node} were both leader in epoch ${item.epoch}`);
          leaders.set(item.epoch, node);
        }
      }
    },
  }),
  "leadership.tenure": clause({
    sentence: "a tenure ends with its reign, and two never hold at once",
    needs: ["elect"],
    inapplicable: ({ capabilities }) =>
      capabilities.realTimeOrder === "lease" || capabilities.realTimeOrder === "confirm"
        ? undefined
        : `realTimeOrder is ${capabilities.realTimeOrder}: there is no tenure`,
    body: async (trial) => {
      const drivers = await trial.openAll();
      let reign = await trial.reign();
      const ended: Tenure[] = [];
      for (let round = 0; round < 4; round += 1) {
        const { tenure } = await trial.watch(reign.driver).until(isLeader);
        if (tenure === undefined) assert.fail(`the leader of epoch ${reign.epoch} has no tenure`);
        await eventually(() => tenure.valid(), trial.signal);
        if (tenure.confirm !== undefined) assert.equal(await tenure.confirm(), true, `epoch ${reign.epoch} reigns`);
        for (const [index, old] of ended.entries()) await assertOver(old, `reign ${index}, in reign ${round}`);
        ended.push(tenure);
        // Every second time the same node is elected again: its new reign is not its old one.
        const target = round % 2 === 0 ? (reign.node + 1) % drivers.length : reign.node;
        reign = await trial.reignOf(target, trial.faults.elect);
      }
      for (const [index, old] of ended.entries()) await assertOver(old, `reign ${index}, at the end`);
    },
  }),
  "leadership.wait-out": clause({
    sentence: "a leader that is cut off has lost its tenure before another, which nobody made leader, has one",
    needs: ["partition"],
    nodes: 3,
    inapplicable: ({ capabilities: { realTimeOrder } }) =>
      realTimeOrder === "lease" ? undefined : `realTimeOrder is ${realTimeOrder}: no tenure is waited out`,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const old = await trial.reign();
      const { tenure } = await trial.watch(old.driver).until(isLeader);
      if (tenure === undefined) assert.fail(`the leader of epoch ${old.epoch} has no tenure`);
      await eventually(() => tenure.valid(), trial.signal);
      const others = [...drivers.keys()].filter((node) => node !== old.node);
      const heal = await trial.faults.partition([others, [old.node]]);
      const watches = others.map((node) => trial.watch(drivers[node] as ConsensusDriver));
      const claims = watches.map((watch) => watch.until((item) => isLeader(item) && item.epoch > old.epoch));
      const successor = await Promise.any(claims);
      if (successor.role === "leader") await eventually(() => holdsAlone(successor, tenure), trial.signal);
      await heal();
      assert.equal(tenure.valid(), false, `the tenure of epoch ${old.epoch} came back`);
    },
  }),
  "leadership.resign": clause({
    sentence: "a reign that was resigned is over: its epoch raises nothing any more",
    needs: [],
    body: async (trial) => {
      const drivers = await trial.openAll();
      const { node, driver, epoch } = await trial.reign();
      if (trial.subject.resigns !== true) {
        assert.equal(driver.resign, undefined, "the driver has resign(), but its subject does not say so");
        return;
      }
      assert.ok(driver.resign !== undefined, "the subject says that the driver has resign(), but it does not");
      await driver.persistHighWater(ms(1_000), epoch);
      await driver.resign("the conformance kit asks for it");
      await rejectsWith(driver.persistHighWater(ms(2_000), epoch), REFUSED);
      assert.equal(await driver.loadHighWater(), 1_000, "a resigned epoch raised the high-water");
      const first = await trial.watch(driver).until(() => true);
      assert.ok(!isLeader(first) || first.epoch > epoch, `node ${node} still says that it leads in epoch ${epoch}`);
      if (drivers.length > 1) {
        const next = await trial.reign();
        assert.ok(next.epoch > epoch, `after epoch ${epoch} was resigned, node ${next.node} leads in ${next.epoch}`);
      }
    },
  }),
};

/** Whether the successor has its tenure by now. Nothing comes between the two looks, and the old one must not have it. */
function holdsAlone(successor: LeaderState & { readonly role: "leader" }, old: Tenure): boolean {
  const wasValid = old.valid();
  if (successor.tenure?.valid() !== true) return false;
  assert.equal(wasValid, false, `epoch ${successor.epoch} has a tenure, and so has the leader before it`);
  return true;
}

async function assertOver(tenure: Tenure, which: string): Promise<void> {
  if (tenure.confirm === undefined) assert.equal(tenure.valid(), false, `the tenure of ${which}, still holds`);
  else assert.equal(await tenure.confirm(), false, `the tenure of ${which}, was confirmed`);
}

/** Watches every node through some elections, each of the next node. */
async function electInTurn(
  trial: Trial<"elect", never>,
  elections: number,
): Promise<{ streams: readonly Watch[]; reigns: readonly Reign[] }> {
  const drivers = await trial.openAll();
  const elect: Faults["elect"] = trial.faults.elect;
  const reigns = [await trial.reign()];
  const streams = drivers.map((driver) => trial.watch(driver));
  for (let round = 1; round <= elections; round += 1) {
    const node = ((reigns.at(-1) as Reign).node + 1) % drivers.length;
    const reign = await trial.reignOf(node, elect);
    reigns.push(reign);
    // Everybody hears of it, so that what the streams say can be compared.
    for (const stream of streams) await stream.until((item) => (epochOf(item) ?? -1n) >= reign.epoch);
  }
  return { streams, reigns };
}
