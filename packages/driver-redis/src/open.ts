// SPDX-License-Identifier: Apache-2.0
import { LeadershipCell, LeaseClock } from "@tsoracle/consensus";
import { systemTimers } from "@tsoracle/quorum";
import { redisCapabilitiesOf } from "./capabilities.ts";
import { systemChance } from "./chance.ts";
import { connectRegister } from "./connect.ts";
import { OpenRedisDriver, type RedisDriver } from "./driver.ts";
import { Member } from "./member.ts";
import {
  checkAdvertise,
  checkOracleOptions,
  checkReadmission,
  mintNonce,
  nodeCountWarning,
  type RedisDriverOptions,
} from "./options.ts";

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
  const readmission = checkReadmission(options.readmission, settings.trustRestart);
  const { terms, freshness, acceptDataLoss, opTimeoutMs } = settings;
  const nonce = mintNonce();
  const patience = { answerMs: 2 * opTimeoutMs, absentMs: 2 * opTimeoutMs };
  const register = await connectRegister(settings, { nonce, endpoint, patience });
  const even = nodeCountWarning(register.nodes.length);
  if (even !== undefined) settings.onWarning({ node: register.members.join(","), message: even });
  const cell = new LeadershipCell();
  const clock = new LeaseClock();
  const durableBeats = !acceptDataLoss;
  const ambient = { clock, timers: systemTimers, chance: systemChance };
  const rules = { terms, freshness, durableBeats, readmission, opTimeoutMs, nonce };
  const member = new Member({ ...ambient, ...rules, register, cell });
  const capabilities = redisCapabilitiesOf(acceptDataLoss ? "asynchronous" : "replicated", freshness);
  return new OpenRedisDriver({ capabilities, register, member, cell });
}
