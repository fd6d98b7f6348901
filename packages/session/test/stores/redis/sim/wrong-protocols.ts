// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tsoracle/conformance";
import type { AdmissibleNode } from "../../../../src/stores/redis/admission.ts";
import type { ReplicaAnswer } from "../../../../src/stores/redis/replica.ts";
import type { Plan } from "./simulation.ts";

/** A protocol that is wrong in one way, and with how many nodes that shows. */
export interface WrongProtocol extends Plan {
  readonly name: string;
}

/**
 * A readmission without a new floor is not among them: the round in which it settles each session keeps out the same
 * ballots, so that nothing shows; the floor is what lets that be proved without looking at each session.
 */
export const wrongProtocols: readonly WrongProtocol[] = [
  { name: "a node that forgets its promises", nodes: 3, rules: { keepsPromises: false } },
  { name: "a node that takes a step onto any copy", nodes: 3, rules: { checksCopy: false } },
  { name: "a wiped node that votes at once", nodes: 3, rules: { knowsThatItForgot: false } },
  { name: "a takeover that repairs nothing", nodes: 3, rules: { repairs: false } },
  { name: "ballots compared as doubles", nodes: 3, rules: { exact: false } },
  { name: "writes to fewer than a majority", nodes: 5, view: threeOf },
  { name: "a takeover that trusts the first copy it sees", nodes: 5, view: firstCopy },
  { name: "a readmission that copies nothing", nodes: 3, admission: (nodes) => nodes.map(withoutSessions) },
];

function threeOf(nodes: readonly AdmissibleNode[], random: Random): readonly AdmissibleNode[] {
  const first = random.below(nodes.length);
  return [0, 1, 2].flatMap((step) => nodes[(first + step) % nodes.length] ?? []);
}

/** Shows the copy of the first promise of each ballot in the place of all others. */
function firstCopy(nodes: readonly AdmissibleNode[]): readonly AdmissibleNode[] {
  const firsts = new Map<string, ReplicaAnswer>();
  return nodes.map((node) => ({
    ...node,
    ask: async (id, request, limitMs) => {
      const answer = await node.ask(id, request, limitMs);
      if (request.kind !== "promise" || answer.kind !== "head" || !answer.votes) return answer;
      const first = firsts.get(request.ballot) ?? answer;
      firsts.set(request.ballot, first);
      return first;
    },
  }));
}

function withoutSessions(node: AdmissibleNode): AdmissibleNode {
  return { ...node, sessions: async () => new Set() };
}
