// SPDX-License-Identifier: Apache-2.0
import { type Epoch, type PeerEndpoint, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { toEpoch } from "./ballot.ts";
import { connectRegister } from "./connect.ts";
import { OPERATOR_PATIENCE_MS } from "./init.ts";
import type { StatusAnswer } from "./node-outcome.ts";
import { checkOracleOptions, mintNonce, type RedisOracleOptions, readEndpoint } from "./options.ts";

/** What one node shows. */
export type RedisNodeStatus =
  | {
      /** `host:port`. */
      readonly node: string;
      readonly votes: true;
      readonly epoch: Epoch;
      readonly highWater: PhysicalMs;
      /** Where clients reach whoever holds the node, if it said so. */
      readonly holder: PeerEndpoint | undefined;
      /** Whether that reign was released in good order. */
      readonly isReleased: boolean;
    }
  | { readonly node: string; readonly votes: false; readonly reason: string };

export interface RedisStatus {
  readonly nodes: readonly RedisNodeStatus[];
  /** How many nodes must vote. */
  readonly majority: number;
  /** What a majority holds for certain; undefined while too few nodes vote. */
  readonly highWater: PhysicalMs | undefined;
}

/**
 * Reads what every node shows. Writes nothing, and needs no node to have a vote.
 *
 * @throws ConsensusError `permanent` if so many nodes are wrong that there is no oracle to report on.
 */
export async function redisStatus(options: RedisOracleOptions): Promise<RedisStatus> {
  const settings = checkOracleOptions(options);
  const patienceMs = OPERATOR_PATIENCE_MS;
  const register = await connectRegister(settings, { nonce: mintNonce(), endpoint: "", patienceMs });
  try {
    const nodes = await Promise.all(
      register.nodes.map(async (node): Promise<RedisNodeStatus> => {
        const answer = await register.status(node);
        if (answer.kind === "ok") return shown(node.label, answer);
        return { node: node.label, votes: false, reason: answer.message };
      }),
    );
    const highWater = await register.read().then(physicalMs, () => undefined);
    return { nodes, majority: register.majority, highWater };
  } finally {
    register.close();
  }
}

function shown(node: string, answer: StatusAnswer): RedisNodeStatus {
  return {
    node,
    votes: true,
    epoch: toEpoch(answer.promised),
    highWater: physicalMs(answer.highWater),
    holder: readEndpoint(answer.endpoint),
    isReleased: answer.released === answer.promised,
  };
}
