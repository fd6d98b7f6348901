// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { writeBack } from "./fast-forward.ts";
import type { AdmitOutcome } from "./node-outcome.ts";
import { checkOperatorOptions, connectAsOperator } from "./operator-patience.ts";
import { reignAsOperator } from "./operator-reign.ts";
import { mintNonce, type RedisOracleOptions } from "./options.ts";
import { admitClaimed, type Claim, claimNode } from "./readmission.ts";
import type { RedisNode } from "./redis-node.ts";

export interface RedisAdmitOptions extends RedisOracleOptions {
  /**
   * The operator's word that no server of this oracle runs, nor will until this has returned: a server with another list
   * could still count the node that an empty one stands in for.
   */
  readonly serversAreStopped: true;
}

/**
 * Gives nodes their vote back, after a wipe, a replacement, or a restart that is not trusted, from a majority of nodes
 * that are intact: claims them, is then elected under a new epoch by the others, and writes the register with what that
 * election saw.
 *
 * @returns the nodes that were admitted, as `host:port`; none if none needed it
 * @throws ConsensusError `permanent`, `transient`; then some of the nodes may still be without a vote, and it can be run
 * again.
 */
export async function admitRedisNodes(options: RedisAdmitOptions): Promise<readonly string[]> {
  if (options.serversAreStopped !== true) {
    throw new ConsensusError(
      "permanent",
      "serversAreStopped: expected true, because an empty node may only be admitted while no server of the oracle runs",
    );
  }
  const settings = checkOperatorOptions(options);
  const nonce = mintNonce();
  const register = await connectAsOperator(settings, nonce);
  try {
    const candidates = register.nodes.filter(({ candidate }) => candidate !== undefined);
    if (candidates.length === 0) return [];
    const claims = await Promise.all(candidates.map(claim));
    await reignAsOperator(register, { settings, nonce }, async (epoch, highWater) => {
      const held = await writeBack(register, epoch, highWater);
      const outcomes = await Promise.all(
        claims.map((each) => admitClaimed(each, { register, epoch, highWater: Math.max(held, highWater) })),
      );
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.kind !== "ok") throw notAdmitted(claims[index]?.node.label ?? "", outcome);
      }
    });
    return candidates.map(({ label }) => label);
  } finally {
    register.close();
  }
}

async function claim(node: RedisNode): Promise<Claim> {
  const outcome = await claimNode(node);
  if ("nonce" in outcome) return outcome;
  throw notAdmitted(node.label, outcome);
}

function notAdmitted(label: string, outcome: AdmitOutcome): ConsensusError {
  const why =
    outcome.kind === "failed"
      ? outcome.message
      : outcome.kind === "lost"
        ? "was wiped or restarted again in the meantime"
        : "does not need it any more";
  return new ConsensusError("transient", `${label} was not admitted: it ${why}. Run the command again`);
}
