// SPDX-License-Identifier: Apache-2.0
import { connectRegister, nodesKnown, openRegister } from "./connect.ts";
import { checkOracleOptions, type OracleSettings, type RedisOracleOptions } from "./options.ts";
import type { Patience, RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";

/**
 * How long an operator's command waits for one answer, in milliseconds. A server must be done within a part of its
 * tenure, because it answers clients meanwhile; a command grants nothing, so a node whose disk is slow may take longer.
 *
 * No proof leans on this being short. A write that arrives late is refused, or only raises something, by the epoch, the
 * claim or the state that it names; a wait that is owed begins after the last answer that it counts from; and "nobody has
 * written" compares two looks that lie at least a wait apart, however long each took.
 */
export const OPERATOR_PATIENCE_MS = 5_000;

/** Shorter for a node that refuses connections, or has answered that it cannot vote yet: a slow disk does neither. */
const ABSENT_MS = 2_000;

const PATIENCE: Patience = { answerMs: OPERATOR_PATIENCE_MS, absentMs: ABSENT_MS };

/** The settings of an operator's command. @throws ConsensusError `permanent`, naming the option. */
export function checkOperatorOptions(options: RedisOracleOptions): OracleSettings {
  const settings = checkOracleOptions(options);
  return { ...settings, opTimeoutMs: Math.max(settings.opTimeoutMs, OPERATOR_PATIENCE_MS) };
}

/** Opens the register for a command, as far as its nodes answer. They are waited for here, and not again in each round. */
export async function openAsOperator(settings: OracleSettings, nonce: bigint): Promise<Register> {
  const register = openRegister(settings, { nonce, endpoint: "", roundConnectMs: 0 });
  await nodesHeard(register.nodes);
  return register;
}

/** As {@link openAsOperator}. @throws ConsensusError as `connectRegister` */
export async function connectAsOperator(settings: OracleSettings, nonce: bigint): Promise<Register> {
  const register = await connectRegister(settings, { nonce, endpoint: "", patience: PATIENCE, roundConnectMs: 0 });
  await lookedAtAgain(register.nodes);
  return register;
}

/** Waits until it is known of every node whether it may vote, or patience is at its end. */
export async function nodesHeard(nodes: readonly RedisNode[]): Promise<void> {
  await nodesKnown(nodes, PATIENCE);
  await lookedAtAgain(nodes);
}

/** The slowest node may have made a majority, for whose sake others that have answered are being looked at again. */
async function lookedAtAgain(nodes: readonly RedisNode[]): Promise<void> {
  const answered = nodes.filter(({ seen }) => seen !== undefined);
  await Promise.all(answered.map((node) => node.settled({ ...PATIENCE, absentMs: 0 })));
}
