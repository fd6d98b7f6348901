// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { JournalError } from "@tsoracle/consensus";
import { connectNodes } from "./connect.ts";
import { INIT, TRUST } from "./lua.ts";
import { runOf, serverObjection } from "./node-facts.ts";
import { checkOperatorOptions, keysOf, type RedisJournalAddress, type RedisJournalConfig } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";

/**
 * Marks empty nodes as those of new journals: once, before any process opens them. Every node must be up. Refuses where
 * any of them holds journals of this name already, because an empty node beside full ones is one that lost its data:
 * that is readmitted, not initialised.
 *
 * @throws JournalError `invalid`, or `permanent` when a node cannot keep journals or holds some already; `transient` when
 * a node cannot be reached. If it fails half-way, delete the key that the message names on the nodes that have it.
 */
export async function initRedisJournal(options: RedisJournalAddress): Promise<void> {
  const config = checkOperatorOptions(options);
  await withNodes(config, async (nodes) => {
    const key = keysOf(config.name).mark;
    for (const node of nodes) {
      const facts = demandFacts(node);
      const objection = serverObjection(facts, config.acceptDataLoss);
      if (objection !== undefined) throw new JournalError("permanent", `${node.label} ${objection.message}`);
      if (facts.mark["v"] !== undefined) throw holdsJournals(node, key);
    }
    const runs = new Set(nodes.map((node) => runOf(demandFacts(node))));
    if (runs.size < nodes.length) {
      throw new JournalError("permanent", "nodes: two of them are the same server; each needs a server of its own");
    }
    const cluster = randomUUID();
    for (const node of nodes) {
      const args = [cluster, randomUUID(), runOf(demandFacts(node)), String(nodes.length), config.trustRestarts];
      const [word] = words(await asked(node, () => node.run(INIT, [key], args)));
      if (word !== "OK") throw holdsJournals(node, key);
    }
  });
}

/**
 * An operator's word that the disks of nodes that restarted are whole: gives them their votes back at once. For the case
 * that a majority restarted together, where no leader is left to fill them. Never for a node that came back with an old
 * copy of its disk: what it acknowledged since would be forgotten.
 *
 * @returns the nodes that have their vote back
 * @throws JournalError `invalid`, `transient`
 */
export async function trustRedisJournalRestarts(options: RedisJournalAddress): Promise<readonly string[]> {
  const config = checkOperatorOptions(options);
  return await withNodes(config, async (nodes) => {
    const trusted: string[] = [];
    for (const node of nodes) {
      if (node.objection?.lost !== "trust" || node.facts === undefined) continue;
      const { facts } = node;
      const args = [facts.mark["nid"] ?? "", runOf(facts)];
      const [word] = words(await asked(node, () => node.run(TRUST, [keysOf(config.name).mark], args)));
      if (word === "OK") trusted.push(node.label);
    }
    return trusted;
  });
}

/** Connects to the nodes for one piece of work. */
export async function withNodes<T>(
  config: RedisJournalConfig,
  work: (nodes: readonly RedisNode[]) => Promise<T>,
): Promise<T> {
  const nodes = connectNodes(config);
  try {
    await Promise.all(nodes.map((node) => node.known(config.callTimeoutMs)));
    return await work(nodes);
  } finally {
    for (const node of nodes) node.close();
  }
}

/** The words of a reply. */
export function words(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.map((word) => String(word)) : [];
}

/** @throws JournalError `transient` */
export async function asked<T>(node: RedisNode, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new JournalError("transient", `${node.label} did not answer: ${String(error)}`, { cause: error });
  }
}

function demandFacts(node: RedisNode): NonNullable<RedisNode["facts"]> {
  if (node.facts !== undefined) return node.facts;
  const { lasting = false, message = "is not known" } = node.objection ?? {};
  throw new JournalError(lasting ? "permanent" : "transient", `${node.label} ${message}`);
}

function holdsJournals(node: RedisNode, key: string): JournalError {
  return new JournalError(
    "permanent",
    `${node.label} holds journals of this name already (key ${key}); nothing was changed there. Choose another name, or readmit the nodes that lost theirs with readmitRedisJournalNodes`,
  );
}
