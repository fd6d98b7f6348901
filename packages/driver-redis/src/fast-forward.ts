// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, rejectOutOfRangeAdvance } from "@tsoracle/consensus";
import { type PhysicalMs, physicalMs } from "@tsoracle/core";
import { quorumIndex } from "@tsoracle/quorum";
import type { Ballot } from "./ballot.ts";
import type { PersistOutcome } from "./node-outcome.ts";
import { checkOperatorOptions, connectAsOperator } from "./operator-patience.ts";
import { reignAsOperator } from "./operator-reign.ts";
import { mintNonce, type RedisOracleOptions } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";

export interface RedisFastForwardOptions extends RedisOracleOptions {
  /** Nothing at or below it will be issued any more. */
  readonly to: PhysicalMs;
}

/**
 * Raises the high-water, for an oracle that takes over from another or was restored. It never lowers it. Stop the
 * servers first; with a server running it fails and changes nothing. It waits some seconds for every node, so that a slow
 * one gets the value too; a node that is away gets it from the next leader.
 *
 * @returns the high-water that a majority now holds
 * @throws ConsensusError `transient`, `permanent`, `out_of_range`
 */
export async function fastForwardRedis(options: RedisFastForwardOptions): Promise<PhysicalMs> {
  const { to } = options;
  rejectOutOfRangeAdvance(to);
  const settings = checkOperatorOptions(options);
  const nonce = mintNonce();
  const register = await connectAsOperator(settings, nonce);
  try {
    return await reignAsOperator(register, { settings, nonce }, async (epoch, highWater) =>
      physicalMs(await writeBack(register, epoch, Math.max(highWater, to))),
    );
  } finally {
    register.close();
  }
}

/**
 * Brings a majority to at least this high-water, and every other node that answers in time. Resolves to what a majority
 * holds.
 */
export async function writeBack(register: Register, epoch: Ballot, highWater: number): Promise<number> {
  const persist = (node: RedisNode): Promise<PersistOutcome> => register.persist(node, epoch, highWater);
  const { verdict, answers } = await register.round("a persist", persist, "everybody");
  if (verdict.kind === "refused") throw verdict.error;
  if (verdict.kind === "fenced") {
    throw new ConsensusError("transient", "a server was elected in the meantime: stop every server and try again");
  }
  const held = [...answers.values()].flatMap((answer) => (answer.kind === "ok" ? [answer.highWater] : []));
  return quorumIndex(held, register.majority);
}
