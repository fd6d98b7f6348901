// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Callers } from "./callers.ts";
import { OracleServer, tsoracle } from "./server-process.ts";

export { Actor } from "./actor.ts";
export { Callers } from "./callers.ts";
export { OracleServer, tsoracle } from "./server-process.ts";

/** How many answers the callers must get before the story goes on. */
const ANSWERS = 500;

/** A failover of two servers, told and asserted step by step. */
export interface Story {
  /** Arguments of `tsoracle serve`: driver, store and oracle, without addresses. */
  readonly serve: readonly string[];
  /** Where the two servers listen, as `host:port` that nobody else has. */
  readonly addresses: readonly [string, string];
}

/** The servers, the leader first. */
async function leaderFirst(servers: readonly OracleServer[]): Promise<readonly [OracleServer, OracleServer]> {
  const endpoints = servers.map(({ address }) => address).join(",");
  const text = await tsoracle(["status", "--json", "--endpoints", endpoints]);
  const states = JSON.parse(text) as readonly { readonly endpoint: string; readonly serving: boolean }[];
  const serving = states.filter((state) => state.serving).map(({ endpoint }) => endpoint);
  assert.equal(serving.length, 1, "exactly one server leads");
  const [leader] = servers.filter(({ address }) => address === serving[0]);
  const [follower] = servers.filter(({ address }) => address !== serving[0]);
  assert.ok(leader !== undefined && follower !== undefined);
  return [leader, follower];
}

/**
 * Two servers, callers that never stop, and two ends of a leader: a kill, and an orderly stop. It asserts that the
 * callers went on each time and that everything they got is unique and in order.
 *
 * @throws AssertionError where the story is not true
 */
export async function playFailover({ serve, addresses }: Story): Promise<void> {
  const servers = await Promise.all(addresses.map((address) => OracleServer.start(address, serve)));
  const callers = new Callers(addresses);
  try {
    await callers.more(ANSWERS);
    const [first, second] = await leaderFirst(servers);
    console.log("two servers, one leader, callers served");

    assert.equal(await first.end("SIGKILL"), null, "the leader died of the kill");
    await callers.more(ANSWERS);
    console.log("kill -9 of the leader: the other server took over, callers went on");

    const back = await OracleServer.start(first.address, serve);
    servers.push(back);
    assert.equal(await second.end("SIGTERM"), 0, "the leader ended in good order");
    await callers.more(ANSWERS);
    console.log("SIGTERM of the next leader: it handed over, callers went on");

    const report = await callers.judge();
    assert.deepEqual([report.ok, report.violations], [true, 0], "the history breaks no promise");
    assert.equal(report.calls.ok, callers.answers, "every answer was judged");
    assert.ok(report.calls.epochs >= 3, "three leaders answered, one after another");
    console.log("every answer judged: unique, increasing, in real-time order");
  } finally {
    await Promise.all(servers.map((server) => server.end("SIGKILL")));
  }
}
