// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import type { Ballot } from "./ballot.ts";
import { ADMIT, CLAIM, CLAIM_RESTARTED, READMIT } from "./lua.ts";
import { type NodeFacts, type RegisterFacts, runIdOf } from "./node-facts.ts";
import type { AdmitOutcome, ClaimOutcome, LostState, NodeFailure } from "./node-outcome.ts";
import type { RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";
import { readAdmit, readClaim } from "./replies.ts";

/**
 * A claim on a node without a vote, made before the ballot of its admission is minted (`postgres-redis.md` 4.9). An
 * admission that arrives after the node has lost its state once more finds another claim, or none, and fails.
 */
export interface Claim {
  readonly node: RedisNode;
  readonly nonce: string;
  readonly lost: LostState;
  /** What the node showed when it was claimed: its admission is for this run of it only. */
  readonly facts: NodeFacts;
}

/** Claims one node, or says why not. */
export async function claimNode(node: RedisNode): Promise<Claim | Exclude<ClaimOutcome, { kind: "ok" }>> {
  const facts = node.candidate;
  const lost = node.failure?.lost;
  if (facts === undefined || lost === undefined) return node.failure ?? { kind: "exists" };
  const nonce = randomBytes(16).toString("hex");
  const reply =
    lost === "register"
      ? await node.runOutside(CLAIM, () => [nonce])
      : await node.runOutside(CLAIM_RESTARTED, () => [...identityOf(facts), nonce]);
  const outcome = reply.kind === "reply" ? readClaim(reply.reply) : reply;
  return outcome.kind === "ok" ? { node, nonce, lost, facts } : outcome;
}

/** An election that began after the claims were made, and what it saw. */
export interface AdmissionTerms {
  readonly register: Register;
  readonly epoch: Ballot;
  readonly highWater: number;
}

const NO_MODEL: NodeFailure = {
  kind: "failed",
  why: "unavailable",
  mayHaveRun: false,
  message: "was not admitted, because every node with a vote went away in the meantime",
};

/** Gives a claimed node its vote under the epoch of that election. What the node still holds is only raised. */
export async function admitClaimed(claim: Claim, terms: AdmissionTerms): Promise<AdmitOutcome> {
  const { node, nonce, facts } = claim;
  const { register, epoch, highWater } = terms;
  const { id, endpoint } = register.holder;
  const model = register.nodes.find((voter) => voter.facts !== undefined)?.facts?.register;
  if (model === undefined) return NO_MODEL;
  const promise = [epoch, id, endpoint, String(highWater)];
  const reply =
    claim.lost === "register"
      ? await node.runOutside(ADMIT, () => [nonce, ...newRegister(model, facts, promise)])
      : await node.runOutside(READMIT, () => [...identityOf(facts), nonce, ...promise]);
  node.recheck();
  return reply.kind === "reply" ? readAdmit(reply.reply) : reply;
}

/** The node is a new one to everybody, so that what was sent to the old one is refused. */
function newRegister(model: RegisterFacts, facts: NodeFacts, promise: readonly string[]): readonly string[] {
  const { clusterId, tenureMs, n, freshness, driftPpm, trustRestart } = model;
  const nodeId = randomBytes(8).toString("hex");
  return [clusterId, nodeId, runIdOf(facts), ...promise, tenureMs, n, freshness, driftPpm, trustRestart];
}

function identityOf(facts: NodeFacts): readonly [string, string, string] {
  return [facts.register?.clusterId ?? "", facts.register?.nodeId ?? "", runIdOf(facts)];
}
