// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, rejectOutOfRangeAdvance } from "@tsoracle/consensus";
import { type PhysicalMs, physicalMs } from "@tsoracle/core";
import { quorumIndex } from "@tsoracle/quorum";
import type { Ballot } from "./ballot.ts";
import { connectRegister } from "./connect.ts";
import { OPERATOR_PATIENCE_MS } from "./init.ts";
import { reignAsOperator } from "./operator-reign.ts";
import { checkOracleOptions, mintNonce, type RedisOracleOptions } from "./options.ts";
import type { Register } from "./register.ts";

export interface RedisFastForwardOptions extends RedisOracleOptions {
  /** Nothing at or below it will be issued any more. */
  readonly to: PhysicalMs;
}

/**
 * Raises the high-water, for an oracle that takes over from another or was restored. It never lowers it. Stop the
 * servers first; with a server running it fails and changes nothing.
 *
 * @returns the high-water that a majority now holds
 * @throws ConsensusError `transient`, `permanent`, `out_of_range`
 */
export async function fastForwardRedis(options: RedisFastForwardOptions): Promise<PhysicalMs> {
  const { to } = options;
  rejectOutOfRangeAdvance(to);
  const settings = checkOracleOptions(options);
  const nonce = mintNonce();
  const register = await connectRegister(settings, { nonce, endpoint: "", patienceMs: OPERATOR_PATIENCE_MS });
  try {
    return await reignAsOperator(register, { settings, nonce }, async (epoch, highWater) =>
      physicalMs(await writeBack(register, epoch, Math.max(highWater, to))),
    );
  } finally {
    register.close();
  }
}

/** Brings a majority to at least this high-water. Resolves to what it holds. */
export async function writeBack(register: Register, epoch: Ballot, highWater: number): Promise<number> {
  const { verdict, answers } = await register.round("a persist", (node) => register.persist(node, epoch, highWater));
  if (verdict.kind === "refused") throw verdict.error;
  if (verdict.kind === "fenced") {
    throw new ConsensusError("transient", "a server was elected in the meantime: stop every server and try again");
  }
  const held = [...answers.values()].flatMap((answer) => (answer.kind === "ok" ? [answer.highWater] : []));
  return quorumIndex(held, register.majority);
}
