// SPDX-License-Identifier: Apache-2.0
import { majority } from "@tsoracle/quorum";
import {
  configuration,
  type ExpectedRegister,
  type NodeFacts,
  type RegisterFacts,
  registerObjection,
  restartObjection,
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
    const runId = runIdOf(facts);
    this.#known.delete(label);
    const objection =
      serverObjection(facts.server, this.#acceptDataLoss) ??
      this.#sameServer(runId, register) ??
      registerObjection(register, this.#expected);
    if (objection !== undefined || register === undefined) return objection;
    this.#known.set(label, { runId, nodeId: register.nodeId, clusterId: register.clusterId });
    const restarted = restartObjection(register, runId, this.#expected.trustRestart);
    const another = this.#clusterObjection(register.clusterId);
    return restarted !== undefined && another?.why !== "amnesia" ? restarted : another;
  }

  #sameServer(runId: string, register: RegisterFacts | undefined): NodeFailure | undefined {
    for (const [other, known] of this.#known) {
      const isSameNode = known.nodeId === register?.nodeId && known.clusterId === register.clusterId;
      if (known.runId !== runId && !isSameNode) continue;
      const message = `is the same server as ${other}: each node must be a server of its own. Correct the list`;
      return { ...configuration(message), why: "topology" };
    }
    return undefined;
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
