// SPDX-License-Identifier: Apache-2.0
import { type Epoch, isPhysicalMs, type PeerEndpoint, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { toEpoch } from "./ballot.ts";
import type { StatusAnswer } from "./node-outcome.ts";
import { checkOperatorOptions, openAsOperator } from "./operator-patience.ts";
import { mintNonce, nodeCountWarning, type RedisOracleOptions, readEndpoint } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";

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
  | {
      readonly node: string;
      readonly votes: false;
      readonly reason: string;
      /** What a node without a vote still holds, if it holds a register; it may be less than it acknowledged. */
      readonly holds: PhysicalMs | undefined;
    };

export interface RedisStatus {
  readonly nodes: readonly RedisNodeStatus[];
  /** How many nodes must vote. */
  readonly majority: number;
  /** What a majority holds for certain; undefined while too few nodes vote. */
  readonly highWater: PhysicalMs | undefined;
  /** What an operator should change although the oracle can be served. */
  readonly warnings: readonly string[];
}

/** How long nodes that differ are read again, in milliseconds: a write may be on its way to some of them. */
const SETTLE_MS = 2_000;

/**
 * Reads what every node shows. Writes nothing, and needs no node to have a vote.
 *
 * @throws ConsensusError `permanent` for bad options only
 */
export async function redisStatus(options: RedisOracleOptions): Promise<RedisStatus> {
  const settings = checkOperatorOptions(options);
  const register = await openAsOperator(settings, mintNonce());
  try {
    const nodes = await Promise.all(
      register.nodes.map(async (node): Promise<RedisNodeStatus> => {
        const answer = await register.status(node);
        if (answer.kind === "ok") return shown(node.label, answer);
        const reason = node.failure?.message ?? answer.message;
        return { node: node.label, votes: false, reason, holds: heldBy(node) };
      }),
    );
    const highWater = await register.read(SETTLE_MS).then(physicalMs, () => undefined);
    const even = nodeCountWarning(nodes.length);
    return { nodes, majority: register.majority, highWater, warnings: even === undefined ? [] : [even] };
  } finally {
    register.close();
  }
}

function heldBy(node: RedisNode): PhysicalMs | undefined {
  const held = Number(node.seen?.register?.highWater ?? Number.NaN);
  return isPhysicalMs(held) ? held : undefined;
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
