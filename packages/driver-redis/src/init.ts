// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { ConsensusError, rejectOutOfRangeAdvance } from "@tsoracle/consensus";
import { PHYSICAL_MS_ZERO, type PhysicalMs } from "@tsoracle/core";
import { NO_BALLOT } from "./ballot.ts";
import { connectNodes } from "./connect.ts";
import { ADMIT, CLAIM } from "./lua.ts";
import { configuration, runIdOf, serverObjection } from "./node-facts.ts";
import type { NodeFailure } from "./node-outcome.ts";
import { checkOperatorOptions, nodesHeard } from "./operator-patience.ts";
import { driftPpm, type OracleSettings, type RedisOracleOptions } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";
import { readAdmit, readClaim } from "./replies.ts";

export interface RedisInitOptions extends RedisOracleOptions {
  /** Nothing is issued at or below it: for an oracle that takes over from another. @defaultValue 0 */
  readonly highWater?: PhysicalMs | undefined;
}

/** Every node is needed and has just been connected, so a connection that breaks now is worth waiting for. */
const RECONNECT_MS = 2_000;

/**
 * Prepares all nodes for an oracle of this name, once in its life. Every node must be reachable, must meet the demands
 * on nodes, and must not hold a register of this name.
 *
 * @returns the id of the new cluster, which tells it from every other of the same name
 * @throws ConsensusError `permanent` with nothing written; `transient` if a node failed half-way: the message says
 * what to do.
 */
export async function initRedisNodes(options: RedisInitOptions): Promise<string> {
  const { highWater = PHYSICAL_MS_ZERO } = options;
  rejectOutOfRangeAdvance(highWater);
  const settings = checkOperatorOptions(options);
  const nodes = connectNodes(settings, (_, { server }) => serverObjection(server, settings.acceptDataLoss));
  try {
    await nodesHeard(nodes);
    requireFresh(nodes);
    return await format(nodes, settings, highWater);
  } finally {
    for (const node of nodes) node.close();
  }
}

function requireFresh(nodes: readonly RedisNode[]): void {
  const byRunId = new Map<string, string>();
  const objections = nodes.flatMap((node) => {
    const objection = objectionTo(node, byRunId);
    return objection === undefined ? [] : [`${node.label} ${objection.message}`];
  });
  if (objections.length === 0) return;
  throw new ConsensusError("permanent", `nothing was written, because not every node can be: ${objections.join("; ")}`);
}

function objectionTo(node: RedisNode, byRunId: Map<string, string>): NodeFailure | undefined {
  const { facts } = node;
  if (facts === undefined) return node.failure;
  const other = byRunId.get(runIdOf(facts));
  if (other !== undefined)
    return configuration(`is the same server as ${other}: each node must be a server of its own`);
  byRunId.set(runIdOf(facts), node.label);
  if (facts.register === undefined) return undefined;
  return configuration(
    `holds a register of this name already, of cluster ${facts.register.clusterId}. If an init was interrupted and no server has run since, delete its key there and begin again`,
  );
}

/** Claims all nodes, and only then writes the registers, so that two inits at once cannot mix. */
async function format(nodes: readonly RedisNode[], settings: OracleSettings, highWater: number): Promise<string> {
  const nonce = randomBytes(16).toString("hex");
  const clusterId = randomBytes(16).toString("hex");
  const { terms, freshness, trustRestart } = settings;
  const claims = await Promise.all(nodes.map((node) => node.run(CLAIM, () => [nonce], RECONNECT_MS)));
  requireAll(
    nodes,
    claims.map((reply) => (reply.kind === "reply" ? readClaim(reply.reply) : reply)),
  );
  const formatted = nodes.map((node) => {
    const nodeId = randomBytes(8).toString("hex");
    const register = [nodeId, node.facts === undefined ? "" : runIdOf(node.facts), NO_BALLOT, "", "", highWater];
    const fixed = [terms.tenureMs, nodes.length, freshness, driftPpm(terms), trustRestart];
    return node.run(ADMIT, () => [nonce, clusterId, ...register, ...fixed].map(String), RECONNECT_MS);
  });
  const replies = await Promise.all(formatted);
  requireAll(
    nodes,
    replies.map((reply) => (reply.kind === "reply" ? readAdmit(reply.reply) : reply)),
  );
  return clusterId;
}

function requireAll(
  nodes: readonly RedisNode[],
  outcomes: readonly (NodeFailure | { readonly kind: "ok" | "exists" | "lost" })[],
): void {
  const failed = outcomes.flatMap((outcome, index) => {
    if (outcome.kind === "ok") return [];
    const why = outcome.kind === "failed" ? outcome.message : "was initialised by somebody else at the same time";
    return [`${nodes[index]?.label} ${why}`];
  });
  if (failed.length === 0) return;
  throw new ConsensusError(
    "transient",
    `the initialisation stopped half-way: ${failed.join("; ")}. Start no server, correct it, delete the key of this oracle on every node, and begin again. If a server has been started since, delete nothing: \`tsoracle redis admit\` completes what is missing`,
  );
}
