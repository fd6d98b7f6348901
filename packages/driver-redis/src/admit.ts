// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { ConsensusError } from "@tsoracle/consensus";
import type { Ballot } from "./ballot.ts";
import { connectNodes, connectRegister, nodesKnown } from "./connect.ts";
import { writeBack } from "./fast-forward.ts";
import { OPERATOR_PATIENCE_MS } from "./init.ts";
import { ADMIT, CLAIM } from "./lua.ts";
import { configuration, runIdOf, serverObjection } from "./node-facts.ts";
import { reignAsOperator } from "./operator-reign.ts";
import { checkOracleOptions, driftPpm, mintNonce, type OracleSettings, type RedisOracleOptions } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";
import { readAdmit, readClaim } from "./replies.ts";

export interface RedisAdmitOptions extends RedisOracleOptions {
  /**
   * The operator's word that no server of this oracle runs, nor will until this has returned. Admission next to running
   * servers is designed (`postgres-redis.md` 4.9) and not enabled yet.
   */
  readonly serversAreStopped: true;
}

/**
 * Gives empty nodes their vote back, after a wipe or a replacement, from a majority of nodes that are intact: claims
 * them, is then elected under a new epoch by the others, and writes the register with what that election saw.
 *
 * @returns the nodes that were admitted, as `host:port`; none if none was empty
 * @throws ConsensusError `permanent`, `transient`; then some of the nodes may still be empty, and it can be run again.
 */
export async function admitRedisNodes(options: RedisAdmitOptions): Promise<readonly string[]> {
  if (options.serversAreStopped !== true) {
    throw new ConsensusError(
      "permanent",
      "serversAreStopped: expected true, because an empty node may only be admitted while no server of the oracle runs",
    );
  }
  const settings = checkOracleOptions(options);
  const nonce = mintNonce();
  const register = await connectRegister(settings, { nonce, endpoint: "", patienceMs: OPERATOR_PATIENCE_MS });
  const candidates = connectNodes({ ...settings, onWarning: () => {} }, (_, facts) =>
    facts.register === undefined
      ? serverObjection(facts.server, settings.acceptDataLoss)
      : configuration("is not empty"),
  );
  try {
    await nodesKnown(candidates, OPERATOR_PATIENCE_MS);
    const empty = candidates.filter(({ facts }) => facts !== undefined);
    if (empty.length === 0) return [];
    const claim = await claimAll(empty);
    await reignAsOperator(register, { settings, nonce }, async (epoch, highWater) => {
      const held = await writeBack(register, epoch, highWater);
      await Promise.all(empty.map((node) => admitOne(node, { claim, settings, register, epoch, highWater: held })));
    });
    return empty.map(({ label }) => label);
  } finally {
    for (const node of candidates) node.close();
    register.close();
  }
}

/** A late admission after a second wipe must find another claim, or none. */
async function claimAll(empty: readonly RedisNode[]): Promise<string> {
  const claim = randomBytes(16).toString("hex");
  for (const node of empty) {
    const reply = await node.run(CLAIM, () => [claim], OPERATOR_PATIENCE_MS);
    const outcome = reply.kind === "reply" ? readClaim(reply.reply) : reply;
    if (outcome.kind !== "ok") throw notAdmitted(node, outcome);
  }
  return claim;
}

interface AdmissionTerms {
  readonly claim: string;
  readonly settings: OracleSettings;
  readonly register: Register;
  readonly epoch: Ballot;
  readonly highWater: number;
}

async function admitOne(node: RedisNode, admission: AdmissionTerms): Promise<void> {
  const { claim, settings, register, epoch, highWater } = admission;
  const { terms, freshness } = settings;
  const clusterId = register.nodes.find(({ facts }) => facts !== undefined)?.facts?.register?.clusterId;
  if (clusterId === undefined) throw new ConsensusError("transient", "every intact node went away in the meantime");
  const runId = node.facts === undefined ? "" : runIdOf(node.facts);
  const own = [claim, clusterId, randomBytes(8).toString("hex"), runId, epoch, register.holder.id, ""];
  const fixed = [highWater, terms.tenureMs, settings.addresses.length, freshness, driftPpm(terms)];
  const reply = await node.run(ADMIT, () => [...own, ...fixed].map(String), OPERATOR_PATIENCE_MS);
  const outcome = reply.kind === "reply" ? readAdmit(reply.reply) : reply;
  if (outcome.kind !== "ok") throw notAdmitted(node, outcome);
}

function notAdmitted(node: RedisNode, outcome: { readonly kind: string; readonly message?: string }): ConsensusError {
  const why =
    outcome.message ?? (outcome.kind === "lost" ? "was wiped again in the meantime" : "is not empty any more");
  return new ConsensusError("transient", `${node.label} was not admitted: it ${why}. Run the command again`);
}
