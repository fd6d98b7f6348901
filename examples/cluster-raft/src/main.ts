// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Callers } from "@tsoracle-example/failover";
import { Cluster } from "./cluster.ts";

/** How many answers the callers must get before the story goes on. */
const ANSWERS = 500;
const FIRST = [1, 2, 3] as const;
const NEW = 4;

async function play(cluster: Cluster): Promise<void> {
  await cluster.format(FIRST);
  await Promise.all(FIRST.map((id) => cluster.start(id)));
  const callers = new Callers(FIRST.map((id) => cluster.at(id).client));
  await callers.more(ANSWERS);
  const first = await cluster.leader(1);
  console.log("three servers, one leader, callers served");

  assert.equal(await cluster.server(first).end("SIGKILL"), null, "the leader died of the kill");
  await callers.more(ANSWERS);
  await cluster.start(first);
  const second = await cluster.leader(first === 1 ? 2 : 1);
  assert.notEqual(second, first, "another server leads");
  console.log("kill -9 of the leader: another server took over, callers went on");

  const storageId = await cluster.formatToJoin(NEW);
  const { peer, client, admin } = cluster.at(NEW);
  const where = ["--raft-addr", peer, "--service-endpoint", client, "--admin-endpoint", admin];
  await cluster.admin(first, "add-learner", "--id", String(NEW), ...where, "--storage-id", storageId);
  await cluster.start(NEW);
  await cluster.admin(first, "promote", "--id", String(NEW));
  await callers.more(ANSWERS);
  console.log("a fourth node joined and was given a vote, callers went on");

  const old = await cluster.leader(NEW);
  await cluster.admin(old, "remove", "--id", String(old));
  assert.equal(await cluster.server(old).ended, 1, "the removed server ended by itself");
  await callers.more(ANSWERS);
  assert.notEqual(await cluster.leader(NEW), old, "another server leads");
  console.log("the leader was removed: it handed over and ended, callers went on");

  const report = await callers.judge();
  assert.deepEqual([report.ok, report.violations], [true, 0], "the history breaks no promise");
  assert.equal(report.calls.ok, callers.answers, "every answer was judged");
  assert.ok(report.calls.epochs >= 3, "three leaders answered, one after another");
  console.log("every answer judged: unique, increasing, in real-time order");
}

using cluster = await Cluster.plan(NEW);
try {
  await play(cluster);
} finally {
  await cluster.stop();
}
