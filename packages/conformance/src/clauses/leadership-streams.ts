// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type LeaderState, sameLeaderState } from "@tsoracle/consensus";
import { parsePeerEndpoint } from "@tsoracle/core";
import { type Clause, clause } from "../clause.ts";
import type { ClauseId } from "../clause-id.ts";
import { inTime } from "../probes.ts";
import { isLeader } from "../watch.ts";
import { singleReign } from "./elections.ts";

type StreamId = Extract<
  ClauseId,
  | "leadership.first-item"
  | "leadership.endpoint"
  | "leadership.abort"
  | "leadership.subscribers"
  | "leadership.separated"
>;

/** What one stream promises its reader. */
export const streamClauses: { readonly [Id in StreamId]: Clause } = {
  "leadership.first-item": clause({
    sentence: "the first item is the current state, without a transition",
    needs: [],
    body: async (trial) => {
      const drivers = await trial.openAll();
      const { node, epoch } = await trial.reign();
      for (const [other, driver] of drivers.entries()) {
        const stream = trial.watch(driver);
        const first = await inTime(
          trial.subject,
          `the first item of node ${other}`,
          stream.until(() => true),
        );
        if (other === node) assert.deepEqual(stateOf(first), { role: "leader", epoch });
        else assert.notEqual(first.role, "leader", `node ${other} says that it leads, but node ${node} does`);
      }
    },
  }),
  "leadership.endpoint": clause({
    sentence: "a follower names the leader's client endpoint as host:port without a scheme",
    needs: [],
    nodes: 3,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const reign = await trial.reign();
      for (const [node, driver] of drivers.entries()) {
        if (node === reign.node) continue;
        const item = await trial.watch(driver).until(namesEndpoint);
        const parsed = parsePeerEndpoint(item.leaderEndpoint ?? "");
        assert.ok(parsed.ok, parsed.ok ? "" : parsed.message);
      }
    },
  }),
  "leadership.abort": clause({
    sentence: "aborting the signal ends the stream without an error",
    needs: [],
    body: async (trial) => {
      const driver = await trial.open(0);
      await trial.reign();
      const stream = trial.watch(driver);
      await stream.until(isLeader);
      stream.stop();
      const end = await inTime(trial.subject, "the end of an aborted stream", stream.ended);
      assert.equal(end.how, "done", "the stream threw");
    },
  }),
  "leadership.subscribers": clause({
    sentence: "each of several subscribers sees every change",
    needs: ["elect"],
    inapplicable: singleReign,
    body: async (trial) => {
      const drivers = await trial.openAll();
      const { node, driver } = await trial.reign();
      const streams = [trial.watch(driver), trial.watch(driver), trial.watch(driver)];
      for (const target of [(node + 1) % drivers.length, node, node]) {
        const { epoch } = await trial.reignOf(target, trial.faults.elect);
        const announced = (item: LeaderState): boolean =>
          target === node ? isLeader(item) && item.epoch === epoch : item.role !== "leader";
        for (const [index, stream] of streams.entries()) {
          // From the newest item on: it may be there already, and what is older is about earlier elections.
          const change = stream.until(announced, Math.max(0, stream.items.length - 1));
          await inTime(trial.subject, `subscriber ${index} hearing of epoch ${epoch}`, change);
        }
      }
    },
  }),
  "leadership.separated": clause({
    sentence: "between two leader items of different epochs there is another item, even for a slow reader",
    needs: ["elect"],
    inapplicable: singleReign,
    body: async (trial) => {
      await trial.openAll();
      const { node, driver } = await trial.reign();
      const stop = new AbortController();
      const slow = driver.leadershipEvents({ signal: stop.signal })[Symbol.asyncIterator]();
      let last = (await inTime(trial.subject, "the first item", slow.next())).value as LeaderState;
      const brisk = trial.watch(driver);
      for (let round = 0; round < 3; round += 1) {
        const { epoch } = await trial.reignOf(node, trial.faults.elect);
        while (!(isLeader(last) && last.epoch === epoch)) {
          const { value } = await inTime(trial.subject, `the item of epoch ${epoch}`, slow.next());
          assertSeparated(last, value as LeaderState);
          last = value as LeaderState;
        }
        await brisk.until((item) => isLeader(item) && item.epoch === epoch);
      }
      stop.abort();
      for (const [index, item] of brisk.items.entries()) assertSeparated(brisk.items[index - 1], item);
    },
  }),
};

function assertSeparated(before: LeaderState | undefined, after: LeaderState): void {
  if (before?.role !== "leader" || after.role !== "leader") return;
  assert.ok(sameLeaderState(before, after), `epoch ${after.epoch} came right after epoch ${before.epoch}`);
}

function namesEndpoint(item: LeaderState): item is LeaderState & { role: "follower" } {
  return item.role === "follower" && item.leaderEndpoint !== undefined;
}

function stateOf(item: LeaderState): object {
  return item.role === "leader" ? { role: item.role, epoch: item.epoch } : { role: item.role };
}
