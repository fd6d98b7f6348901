// SPDX-License-Identifier: Apache-2.0
import { majority } from "@tsoracle/quorum";
import {
  configuration,
  type ExpectedRegister,
  type NodeFacts,
  registerObjection,
  runIdOf,
  serverObjection,
} from "./node-facts.ts";
import type { NodeFailure } from "./node-outcome.ts";

interface Known {
  readonly runId: string;
  readonly nodeId: string;
  readonly clusterId: string;
}

/**
 * Decides which nodes may vote: each by itself, and all of them as one cluster of distinct servers. Pure.
 *
 * The cluster is the one that a majority of the configured nodes shows; there can only be one.
 */
export class Admission {
  readonly #expected: ExpectedRegister;
  readonly #acceptDataLoss: boolean;
  /** What each address showed last, whether it is connected now or not. */
  readonly #known = new Map<string, Known>();
  #clusterId: string | undefined;

  constructor(expected: ExpectedRegister, acceptDataLoss: boolean) {
    this.#expected = expected;
    this.#acceptDataLoss = acceptDataLoss;
  }

  /** Why a node may not vote, or undefined if it may. */
  judge(label: string, facts: NodeFacts): NodeFailure | undefined {
    const { register } = facts;
    this.#known.delete(label);
    const objection =
      serverObjection(facts.server, this.#acceptDataLoss) ?? registerObjection(register, this.#expected);
    if (objection !== undefined || register === undefined) return objection;
    const me = { runId: runIdOf(facts), nodeId: register.nodeId, clusterId: register.clusterId };
    for (const [other, known] of this.#known) {
      if (known.runId === me.runId || (known.nodeId === me.nodeId && known.clusterId === me.clusterId)) {
        const message = `is the same server as ${other}: each node must be a server of its own. Correct the list`;
        return { ...configuration(message), why: "topology" };
      }
    }
    this.#known.set(label, me);
    return this.#clusterObjection(me.clusterId);
  }

  #clusterObjection(clusterId: string): NodeFailure | undefined {
    if (this.#clusterId === undefined) {
      const same = [...this.#known.values()].filter((known) => known.clusterId === clusterId).length;
      if (same < majority(this.#expected.n)) {
        return {
          kind: "failed",
          why: "unavailable",
          mayHaveRun: false,
          message: "waits for a majority of its cluster",
        };
      }
      this.#clusterId = clusterId;
    }
    if (this.#clusterId === clusterId) return undefined;
    return {
      ...configuration(`holds the register of cluster ${clusterId}, the others that of ${this.#clusterId}`),
      why: "amnesia",
    };
  }
}
