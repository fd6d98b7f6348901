// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, LeadershipCell, LeaseClock } from "@tsoracle/consensus";
import { majority } from "@tsoracle/quorum";
import { Admission } from "./admission.ts";
import { redisCapabilitiesOf } from "./capabilities.ts";
import { connectNodes, nodesKnown } from "./connect.ts";
import { OpenRedisDriver, type RedisDriver } from "./driver.ts";
import { Member } from "./member.ts";
import { checkAdvertise, checkOracleOptions, driftPpm, mintNonce, type RedisDriverOptions } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";
import { Register } from "./register.ts";

/**
 * Opens one server's driver on the Redis nodes that `initRedisNodes` has prepared. From here on it takes part in
 * elections, until it is disposed of; disposal hands over in good order.
 *
 * It resolves even while too few nodes can be reached, and then keeps trying. What only a person can correct rejects:
 * a node list that is wrong, and too many nodes that may not vote.
 *
 * @throws ConsensusError `permanent`, naming the nodes and what to do.
 */
export async function openRedisDriver(options: RedisDriverOptions): Promise<RedisDriver> {
  const settings = checkOracleOptions(options);
  const endpoint = checkAdvertise(options.advertise);
  const { terms, freshness, acceptDataLoss, opTimeoutMs } = settings;
  const n = settings.addresses.length;
  const expected = { n, tenureMs: terms.tenureMs, freshness, driftPpm: driftPpm(terms) };
  const admission = new Admission(expected, acceptDataLoss);
  const nodes = connectNodes(settings, (label, facts) => admission.judge(label, facts));
  await nodesKnown(nodes, 2 * opTimeoutMs);
  const objection = objectionTo(nodes);
  if (objection !== undefined) {
    for (const node of nodes) node.close();
    throw objection;
  }
  const nonce = mintNonce();
  const holder = { id: nonce.toString(16).padStart(16, "0"), endpoint };
  const register = new Register(nodes, holder, opTimeoutMs);
  const cell = new LeadershipCell();
  const clock = new LeaseClock();
  const durableBeats = !acceptDataLoss;
  const member = new Member({ register, cell, clock, terms, freshness, durableBeats, opTimeoutMs, nonce });
  const capabilities = redisCapabilitiesOf(acceptDataLoss ? "asynchronous" : "replicated", freshness);
  return new OpenRedisDriver({ capabilities, register, member, cell });
}

/** Why a server should not start on these nodes, if waiting would not help. */
function objectionTo(nodes: readonly RedisNode[]): ConsensusError | undefined {
  const failures = nodes.flatMap(({ label, failure }) => (failure === undefined ? [] : [{ label, ...failure }]));
  const lasting = failures.filter(({ why }) => why === "configuration" || why === "amnesia" || why === "topology");
  const isWrong =
    lasting.some(({ why }) => why === "topology") || nodes.length - lasting.length < majority(nodes.length);
  if (!isWrong) return undefined;
  const list = lasting.map(({ label, message }) => `${label} ${message}`).join("; ");
  return new ConsensusError("permanent", `this oracle cannot be served from these Redis nodes: ${list}`);
}
