// SPDX-License-Identifier: Apache-2.0
import type { Ballot } from "./ballot.ts";
import type { Deadline } from "./group-errors.ts";
import type { ReplicaAnswer, ReplicaNode } from "./replica.ts";
import type { ReplicaGroup } from "./replica-group.ts";

/** Brings nodes that lag up to a revision of the present ballot, from the nodes that have it; one copy at a time each. */
export class CatchUp {
  readonly #id: string;
  readonly #group: ReplicaGroup;
  readonly #running = new Set<string>();

  constructor(id: string, group: ReplicaGroup) {
    this.#id = id;
    this.#group = group;
  }

  /** Never rejects. Resolves to the node's answer to the copy, which counts like one to the step itself: it holds at least that. */
  async bring(node: ReplicaNode, ballot: Ballot, rev: number, deadline: Deadline): Promise<ReplicaAnswer> {
    const lag = { kind: "lag" } as const;
    if (this.#running.has(node.label)) return lag;
    this.#running.add(node.label);
    try {
      const others = this.#group.nodes.flatMap(({ label }) => (label === node.label ? [] : [label]));
      // Damage elsewhere is told by whoever needs that copy; here it only means that there is nothing to bring.
      const found = await this.#group.contentOnce(this.#id, others, { ballots: [ballot] }, deadline)();
      if (found === undefined) return lag;
      const install = { kind: "install", ballot, rev: found.rev, content: found.content } as const;
      const answer = await node.ask(this.#id, install, deadline.leftMs());
      return found.rev >= rev || answer.kind !== "ok" ? answer : lag;
    } finally {
      this.#running.delete(node.label);
    }
  }
}
