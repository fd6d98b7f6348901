// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { systemTimers } from "@tsoracle/quorum";
import { type AdmissibleNode, type AdmissionTerms, readmit } from "./admission.ts";
import { digits } from "./ballot.ts";
import { systemChance } from "./chance.ts";
import { clusterOf } from "./connect.ts";
import { Deadline } from "./group-errors.ts";
import { withNodes, words } from "./init.ts";
import { BEGIN, FINISH, FLOOR, PROGRESS } from "./lua.ts";
import { runOf } from "./node-facts.ts";
import { mintNonce } from "./nonce.ts";
import { checkOperatorOptions, keysOf, type RedisJournalAddress, type RedisJournalConfig } from "./options.ts";
import type { RedisNode } from "./redis-node.ts";

/**
 * Fills every node that is empty, or has restarted where that is not trusted, from the others, and gives it its vote
 * back. While it runs the journals can be used. A majority of all nodes must have a vote, not counting the one that is
 * filled.
 *
 * To put a new server in the place of another: see that the old one never comes back, stop every process that has the
 * journals open, also any that is paused, call this with the new list of nodes, and start them with it. A process with
 * the old list beside one with the new list would lose what was acknowledged.
 *
 * @returns the nodes that have their vote back
 * @throws JournalError `invalid`, `transient`, `permanent`; a node that was being filled has no vote then
 */
export async function readmitRedisJournalNodes(options: RedisJournalAddress): Promise<readonly string[]> {
  const config = checkOperatorOptions(options);
  return await withNodes(config, (nodes) => readmitLost(nodes, config));
}

/**
 * As {@link readmitRedisJournalNodes}, over connections that are there.
 *
 * @param mayFill which of the lost nodes are to be filled
 * @param isOver asked again and again: whether to give up
 */
export async function readmitLost(
  nodes: readonly RedisNode[],
  config: RedisJournalConfig,
  mayFill: (node: RedisNode) => boolean = isLost,
  isOver: () => boolean = () => false,
): Promise<readonly string[]> {
  const terms = { ...admissionTerms(nodes, config), isOver };
  const filled: string[] = [];
  for (const [index, node] of nodes.entries()) {
    const admissible = terms.nodes[index];
    if (admissible === undefined || !isLost(node) || !mayFill(node)) continue;
    await readmit(admissible, terms);
    await node.inspect();
    filled.push(node.label);
  }
  return filled;
}

/** Whether a node waits to be filled, a filling that was given up included. */
export function isLost(node: Pick<RedisNode, "objection" | "facts">): boolean {
  if (node.objection?.lost !== undefined) return true;
  return node.objection === undefined && node.facts?.mark["st"] === "filling";
}

/**
 * Whether a process may fill it without being asked. An empty node that this process never saw vote may be a new one, in
 * the place of another that some process still counts: those two lists of nodes would have majorities that do not meet.
 */
export function mayFillUnasked(node: Pick<RedisNode, "objection" | "hasVoted" | "facts">): boolean {
  return isLost(node) && (node.objection?.lost !== "data" || node.hasVoted);
}

function admissionTerms(nodes: readonly RedisNode[], config: RedisJournalConfig): AdmissionTerms {
  return {
    nodes: nodes.map((node) => admissible(node, nodes, config)),
    timers: systemTimers,
    nonce: mintNonce(),
    chance: systemChance,
    deadline: () => new Deadline(systemTimers, config.callTimeoutMs),
  };
}

function admissible(node: RedisNode, nodes: readonly RedisNode[], config: RedisJournalConfig): AdmissibleNode {
  const { mark: key } = keysOf(config.name);
  // As it was when this node was chosen: whoever began since is not disturbed.
  const before = node.facts?.mark["adm"] ?? "";
  const progress = async (admission: string, goesOn: "0" | "1"): Promise<string | undefined> => {
    if (node.facts === undefined) return undefined;
    return words(await node.run(PROGRESS, [key], [admission, runOf(node.facts), goesOn]).catch(() => []))[0];
  };
  const votes = (): boolean => node.objection === undefined && node.facts?.mark["st"] === "whole";
  return {
    label: node.label,
    ask: (id, request, limitMs) => node.ask(id, request, limitMs),
    floor: async () => {
      await node.inspect();
      return votes() ? BigInt(node.facts?.mark["floor"] ?? "0") : undefined;
    },
    raiseFloor: async (floor) => {
      const { mark = {} } = node.facts ?? {};
      if (!votes() || node.facts === undefined) return false;
      const args = [mark["cid"] ?? "", mark["nid"] ?? "", runOf(node.facts), digits(floor)];
      const [word, isVoter] = words(await node.run(FLOOR, [key], args).catch(() => []));
      return word === "OK" && isVoter === "1";
    },
    sessions: (onPage) => node.sessions(onPage),
    begin: async (floor, admission) => {
      await node.inspect();
      const cluster = clusterOf(nodes);
      if (cluster === undefined || node.facts === undefined) return false;
      const identity = [cluster, randomUUID(), runOf(node.facts), String(nodes.length), config.trustRestarts];
      const args = [...identity, digits(floor), admission, before];
      const [word] = words(await node.run(BEGIN, [key], args).catch(() => []));
      await node.inspect();
      if (word === "BUSY" || word === "EXISTS") return "taken";
      return word === "OK" && node.objection === undefined;
    },
    goesOn: async (admission) => (await progress(admission, "1")) !== "LOST",
    giveUp: async (admission) => void (await progress(admission, "0")),
    finish: async (admission, floor) => {
      if (node.facts === undefined) return false;
      const [word] = words(
        await node.run(FINISH, [key], [admission, runOf(node.facts), digits(floor)]).catch(() => []),
      );
      return word === "OK";
    },
  };
}
