// SPDX-License-Identifier: Apache-2.0
import type { TenureTerms } from "@tsoracle/consensus";
import type { Readmission } from "./options.ts";
import { admitClaimed, type Claim, claimNode } from "./readmission.ts";
import type { RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";
import type { Reign } from "./reign.ts";

/**
 * A leader's part in giving nodes their vote back: which, and when. Each admission costs an epoch, so there is at most
 * one in a tenure, of all nodes that want it.
 */
export class Readmitter {
  readonly #register: Register;
  readonly #terms: TenureTerms;
  readonly #mode: Readmission;
  #notBeforeNs = 0n;

  constructor(register: Register, terms: TenureTerms, mode: Readmission) {
    this.#register = register;
    this.#terms = terms;
    this.#mode = mode;
  }

  /** Claims the nodes that are to be admitted now; none, if there is nothing to do. */
  async claims(nowNs: bigint): Promise<readonly Claim[]> {
    const { nodes, majority } = this.#register;
    const candidates = nodes.filter((node) => this.#isDue(node));
    const voters = nodes.filter(({ facts }) => facts !== undefined).length;
    if (candidates.length === 0 || voters < majority || nowNs < this.#notBeforeNs) return [];
    this.#notBeforeNs = nowNs + BigInt(this.#terms.tenureMs) * 1_000_000n;
    const outcomes = await Promise.all(candidates.map(claimNode));
    return outcomes.filter((outcome): outcome is Claim => "nonce" in outcome);
  }

  /** Admits what was claimed, under a reign whose election began afterwards. Who fails is claimed anew later. */
  async admit(claims: readonly Claim[], reign: Reign): Promise<void> {
    const terms = { register: this.#register, epoch: reign.ballot, highWater: reign.highWater };
    await Promise.all(claims.map((claim) => admitClaimed(claim, terms)));
  }

  /**
   * An empty node only where this process has seen one vote. At another address it may be in the place of a node that
   * other servers still count, which only a person can know.
   */
  #isDue(node: RedisNode): boolean {
    if (node.candidate === undefined) return false;
    return node.failure?.lost === "trust" || (this.#mode === "automatic" && node.hasVoted);
  }
}
