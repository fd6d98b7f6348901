// SPDX-License-Identifier: Apache-2.0
import { Ground, type WorldOptions } from "./world/ground.ts";
import { Node, type Reign } from "./world/node.ts";

/**
 * Nodes that run the decisions of the driver over plain stores. Every store elects whom it likes and may lose what it
 * holds, news of it arrives late and in any order, requests are carried out late and in any order, answers are lost,
 * processes die. One store keeps its memory at any time: a history of which nothing is left cannot be told from none.
 */
export class World {
  readonly reigns: Reign[] = [];
  readonly #ground: Ground;
  readonly #nodes: Node[];
  #elections = 0;
  #paused = -1;
  /** The node that the stores mostly elect: without one, few reigns would get anywhere over many stores. */
  #favourite = 0;
  /** How much else happens between two elections. */
  readonly #calm: number;

  constructor(options: WorldOptions) {
    this.#ground = new Ground(options);
    this.#calm = 3 + options.random.below(8);
    this.#nodes = Array.from({ length: options.nodes }, (_, index) => this.#newNode(index));
  }

  /** How often a store that had lost its data was given a vote again. */
  get fills(): number {
    return this.#ground.fills;
  }

  get problems(): readonly string[] {
    return this.#ground.problems;
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) this.#step();
    this.#judge();
  }

  #step(): void {
    const { random, network, stores } = this.#ground;
    // Mostly what is under way goes on; elections are rarer, so that reigns get somewhere.
    if (network.length > 0 && !random.oneIn(4)) {
      const index = random.below(network.length);
      if (network[index]?.to === this.#paused) return;
      network.splice(index, 1)[0]?.run();
      return;
    }
    if (random.oneIn(12)) this.#paused = random.below(this.#nodes.length * 2);
    if (random.oneIn(40)) this.#favourite = random.below(this.#nodes.length);
    const node = random.oneIn(6) ? random.below(this.#nodes.length) : this.#favourite;
    if (random.oneIn(4)) this.#elect(random.below(stores.length), node);
    else if (random.oneIn(6 * this.#calm)) this.#wipe(random.below(stores.length));
    else if (random.oneIn(150)) this.#crash(node);
    else if (node !== this.#paused) this.#nodes[node]?.act();
  }

  #elect(member: number, node: number): void {
    const store = this.#ground.store(member);
    // Being elected again by the same store is rarer than by another, or no node would ever lead several.
    if (store.leader === node && !this.#ground.random.oneIn(6)) return;
    store.epoch += 1n;
    store.leader = node;
    this.#elections += 1;
    const election = this.#elections;
    const { epoch } = store;
    for (const [index, other] of this.#nodes.entries()) {
      const news = (): void => {
        // The stream of a member never goes back: news that is older than what was seen is not delivered.
        if (this.#nodes[index] !== other) return;
        if (other.believes.has(member) && (other.heard.get(member) ?? 0) > election) return;
        other.heard.set(member, election);
        if (index === node) other.believes.set(member, epoch);
        else other.believes.delete(member);
        other.endUnlessHeld();
      };
      this.#ground.network.push({ to: index, run: news });
    }
  }

  /** Rarely more than a majority can spare: what is safe then is to stop, which would be all that there is to see. */
  #wipe(member: number): void {
    const { stores, policy, random } = this.#ground;
    const others = stores.filter((store, index) => index !== member && store.stage === "admitted").length;
    const isUntouched =
      this.#ground.isNew && this.reigns.length === 0 && this.#nodes.every(({ isStanding }) => !isStanding);
    if (others === 0 ? !isUntouched || !random.oneIn(8) : others < policy.w && !random.oneIn(30)) return;
    this.#ground.wipe(member);
  }

  #crash(index: number): void {
    this.#nodes[index]?.die();
    this.#nodes[index] = this.#newNode(index);
    for (const store of this.#ground.stores) if (store.leader === index) store.leader = -1;
  }

  #newNode(index: number): Node {
    return new Node(this.#ground, index, this.reigns);
  }

  /** What the promises say of all reigns together. */
  #judge(): void {
    const { problems } = this.#ground;
    const ordered = [...this.reigns].sort((a, b) => (a.ballot < b.ballot ? -1 : a.ballot > b.ballot ? 1 : 0));
    for (const [index, reign] of ordered.entries()) {
      if (ordered[index - 1]?.ballot === reign.ballot) problems.push(`two reigns have epoch ${reign.ballot}`);
      if (reign.ballot <= reign.wonBefore) problems.push(`epoch ${reign.ballot} came after ${reign.wonBefore}`);
    }
    let top = 0;
    for (const { ballot, first, last } of ordered) {
      if (last < first) continue;
      if (first <= top) problems.push(`reign ${ballot} served ${first}..${last}, but ${top} was served before`);
      top = Math.max(top, last);
    }
  }
}
