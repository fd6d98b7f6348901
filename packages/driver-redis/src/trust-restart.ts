// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { majority } from "@tsoracle/quorum";
import { TRUST } from "./lua.ts";
import { type RegisterFacts, runIdOf } from "./node-facts.ts";
import { closeAll, type LookedAt, lookAtAll } from "./operator-look.ts";
import { checkOperatorOptions } from "./operator-patience.ts";
import type { RedisOracleOptions } from "./options.ts";
import { readClaim } from "./replies.ts";

export interface RedisTrustRestartOptions extends RedisOracleOptions {
  /**
   * The operator's word that every node which restarted came back with all that it had acknowledged: the disk that it
   * had, not an older copy, a snapshot or a new one.
   */
  readonly dataIsWhole: true;
}

/**
 * Gives nodes that restarted together their votes back, with the data that they have, where restarts are not trusted
 * and so many restarted that no majority is left to admit them. All nodes must answer.
 *
 * @returns the nodes that vote again, as `host:port`
 * @throws ConsensusError `permanent` with nothing written; `transient`: run it again
 */
export async function trustRedisRestarts(options: RedisTrustRestartOptions): Promise<readonly string[]> {
  if (options.dataIsWhole !== true) {
    throw new ConsensusError(
      "permanent",
      "dataIsWhole: expected true, the operator's word that every node came back with all that it had acknowledged",
    );
  }
  const settings = checkOperatorOptions(options);
  const looked = await lookAtAll(settings);
  try {
    const members = membersOf(looked);
    const restarted = members.filter(({ register, runId }) => register.runId !== runId);
    const needed = majority(looked.length);
    if (members.length - restarted.length >= needed) {
      throw refused(
        `${members.length - restarted.length} of ${looked.length} nodes vote: the leader admits the others`,
      );
    }
    if (members.length < needed) {
      throw refused(
        `only ${members.length} of ${looked.length} nodes hold a register of one cluster: what was lost cannot be trusted back. See the runbook of \`tsoracle redis force-reinit\``,
      );
    }
    const outcomes = await Promise.all(restarted.map(trustOne));
    const failed = outcomes.flat();
    if (failed.length > 0) throw new ConsensusError("transient", `${failed.join("; ")}. Run it again`);
    return restarted.map(({ node }) => node.label);
  } finally {
    closeAll(looked);
  }
}

interface Member extends LookedAt {
  readonly register: RegisterFacts;
  readonly runId: string;
}

/** The nodes of the cluster that most of them are of, where restarts are not trusted. */
function membersOf(looked: readonly LookedAt[]): readonly Member[] {
  const held = looked.flatMap(({ node, facts }) =>
    facts.register === undefined ? [] : [{ node, facts, register: facts.register, runId: runIdOf(facts) }],
  );
  const clusters = held.map(({ register }) => register.clusterId);
  const size = (id: string): number => clusters.filter((other) => other === id).length;
  const [largest] = [...clusters].sort((a, b) => size(b) - size(a));
  const members = held.filter(({ register }) => register.clusterId === largest);
  if (members.some(({ register }) => register.trustRestart !== "never")) {
    throw refused("this oracle trusts restarts anyway");
  }
  return members;
}

async function trustOne({ node, register, runId }: Member): Promise<readonly string[]> {
  const { clusterId, nodeId } = register;
  const reply = await node.runOutside(TRUST, () => [clusterId, nodeId, runId, register.runId]);
  const outcome = reply.kind === "reply" ? readClaim(reply.reply) : reply;
  if (outcome.kind === "ok" || outcome.kind === "exists") return [];
  return [`${node.label} ${outcome.kind === "failed" ? outcome.message : "was restarted or admitted meanwhile"}`];
}

function refused(why: string): ConsensusError {
  return new ConsensusError("permanent", `nothing was written: ${why}`);
}
