// SPDX-License-Identifier: Apache-2.0
import { DurableEpochFencer, MemoryFenceStore, Reign, type RequiredAcksOptions, requiredAcks } from "../src/index.ts";

type Acks = (options: RequiredAcksOptions & { readonly liveMembers: number }) => number;

/**
 * A group in which every node may campaign, with a durable fence at each. A claim becomes a reign when enough
 * members that can be reached have promised it.
 */
export class PromiseWorld {
  readonly reigns: readonly Reign[];
  readonly #fences: readonly DurableEpochFencer[];
  readonly #acks: Acks;

  private constructor(fences: readonly DurableEpochFencer[], acks: Acks) {
    this.#fences = fences;
    this.#acks = acks;
    this.reigns = fences.map(
      (_, slot) => new Reign({ id: `node-${slot}`, slot: BigInt(slot), fencerHighest: 0n, lastPersisted: 0n }),
    );
  }

  static async of(members: number, acks: Acks = requiredAcks): Promise<PromiseWorld> {
    const stores = Array.from({ length: members }, () => new MemoryFenceStore());
    return new PromiseWorld(await Promise.all(stores.map((store) => DurableEpochFencer.open(store))), acks);
  }

  /** Lets a node campaign among the members of its side; answers whether it leads now. */
  async campaign(node: number, side: readonly number[]): Promise<boolean> {
    const reign = this.reign(node);
    const epoch = reign.campaign();
    let promises = 0;
    for (const member of side) {
      const verdict = await this.fence(member).check(epoch, `node-${node}`);
      if (verdict.ok) promises += 1;
      else reign.fenced(epoch, verdict.kind === "stale" ? verdict.current : epoch);
    }
    if (promises >= this.#needed(side.length)) reign.promised(epoch);
    return reign.state.role === "leader";
  }

  /** Whether a write of a node is acknowledged by its side. */
  async write(node: number, side: readonly number[]): Promise<boolean> {
    const admission = this.reign(node).admitWrite();
    if (!admission.ok) return false;
    let acks = 0;
    for (const member of side) {
      const { epoch, owner } = admission.stamp;
      const outcome = await this.fence(member).guard(epoch, owner, async () => {});
      if (outcome.ok) acks += 1;
      else this.reign(node).fenced(epoch, outcome.kind === "stale" ? outcome.current : epoch);
    }
    return acks >= this.#needed(side.length);
  }

  reign(node: number): Reign {
    const reign = this.reigns[node];
    if (reign === undefined) throw new Error(`no node ${node}`);
    return reign;
  }

  fence(node: number): DurableEpochFencer {
    const fence = this.#fences[node];
    if (fence === undefined) throw new Error(`no node ${node}`);
    return fence;
  }

  #needed(liveMembers: number): number {
    return this.#acks({ configuredMembers: this.#fences.length, electsLeaders: true, liveMembers });
  }
}
