// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, waitOutMs } from "@tsoracle/consensus";
import { systemTimers } from "@tsoracle/quorum";
import { connectNodes } from "./connect.ts";
import { configuration, type NodeFacts, type RegisterFacts, runIdOf, serverObjection } from "./node-facts.ts";
import { nodesHeard } from "./operator-patience.ts";
import type { OracleSettings } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";

/** A node as an operator's command sees it: connected, fit to hold a register, and without a vote. */
export interface LookedAt {
  readonly node: RedisNode;
  readonly facts: NodeFacts;
}

const LOOKED_AT = configuration("is looked at by an operator");

/**
 * Looks at every node without letting any vote. Each must answer, meet the demands on servers, and be a server of its
 * own. Who calls closes them.
 *
 * @throws ConsensusError `permanent` that names each node which does not
 */
export async function lookAtAll(settings: OracleSettings): Promise<readonly LookedAt[]> {
  const quiet = { ...settings, onWarning: () => {} };
  const judge = (_: string, { server }: NodeFacts): ReturnType<typeof serverObjection> =>
    serverObjection(server, settings.acceptDataLoss) ?? LOOKED_AT;
  const nodes = connectNodes(quiet, judge);
  await nodesHeard(nodes);
  const seen = new Map<string, string>();
  const objections: string[] = [];
  const looked: LookedAt[] = [];
  for (const node of nodes) {
    const facts = node.seen;
    if (facts === undefined || node.failure !== LOOKED_AT) {
      objections.push(`${node.label} ${node.failure?.message}`);
      continue;
    }
    const other = seen.get(runIdOf(facts));
    if (other !== undefined) objections.push(`${node.label} is the same server as ${other}`);
    seen.set(runIdOf(facts), node.label);
    looked.push({ node, facts });
  }
  if (objections.length === 0) return looked;
  closeAll(looked);
  for (const node of nodes) node.close();
  throw new ConsensusError(
    "permanent",
    `nothing was written, because every node must answer: ${objections.join("; ")}`,
  );
}

export function closeAll(looked: readonly LookedAt[]): void {
  for (const { node } of looked) node.close();
}

/**
 * Looks twice, with the wait of a successor in between: whoever led before has stopped answering, and nobody has
 * written. Who calls closes what is returned.
 *
 * @throws ConsensusError `permanent` as {@link lookAtAll}; `transient` if a server still writes
 */
export async function lookWhileQuiet(settings: OracleSettings): Promise<readonly LookedAt[]> {
  const before = await lookAtAll(settings);
  closeAll(before);
  const waits = before.flatMap(({ facts }) => (facts.register === undefined ? [] : [storedWaitMs(facts.register)]));
  await pause(Math.max(waitOutMs(settings.terms), ...waits));
  const after = await lookAtAll(settings);
  const moved = after.filter(({ facts }, index) => pairOf(facts) !== pairOf(before[index]?.facts));
  if (moved.length === 0) return after;
  closeAll(after);
  const names = moved.map(({ node }) => node.label).join(", ");
  throw new ConsensusError(
    "transient",
    `nothing was written, because a server still writes to ${names}: stop every server of this oracle, and try again`,
  );
}

function storedWaitMs({ tenureMs, driftPpm }: RegisterFacts): number {
  const wait = Number(tenureMs) * (1 + Number(driftPpm) / 1e6);
  return Number.isFinite(wait) ? wait : 0;
}

function pairOf(facts: NodeFacts | undefined): string {
  const { clusterId = "", promised = "", beat = "" } = facts?.register ?? {};
  return `${clusterId} ${promised} ${beat}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemTimers.after(ms, resolve));
}
