// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tsoracle/conformance";
import { ConsensusError } from "@tsoracle/consensus";
import { Candidacy, largest, mayJoin } from "../../src/driver/candidacy.ts";
import { PersistCount } from "../../src/driver/persist-count.ts";
import { majority, QuorumPolicy } from "../../src/index.ts";

/** Ways to get the driver wrong, each of which the world must catch. */
export type Flaw =
  | "largest acknowledgement"
  | "W below a majority"
  | "fenced by one reply"
  | "epoch from member epochs"
  | "ballot from own memory"
  | "member writes without a fence";

export interface WorldOptions {
  readonly random: Random;
  readonly members: number;
  readonly nodes: number;
  readonly flaw?: Flaw | undefined;
}

/** A store: what `MemoryHistory` keeps, with the check of the epoch in the same step as each write. */
interface Store {
  epoch: bigint;
  leader: number;
  ballot: bigint;
  highWater: number;
}

interface Write {
  readonly target: number;
  readonly count: PersistCount;
  readonly acks: number[];
}

interface Reign {
  readonly node: number;
  readonly ballot: bigint;
  readonly first: number;
  /** Nothing was handed out while it is below `first`. */
  last: number;
  floor: number;
  readonly bound: Map<number, bigint>;
  /** The latest epoch that each member refused. */
  readonly refused: Map<number, bigint>;
  /** Every ballot that had won when this candidacy began. */
  readonly wonBefore: bigint;
  write: Write | undefined;
}

interface Run {
  readonly candidacy: Candidacy;
  readonly led: ReadonlyMap<number, bigint>;
  readonly ballots: Map<number, bigint>;
  readonly wonBefore: bigint;
  readonly won: Map<number, bigint>;
}

interface Node {
  readonly believes: Map<number, bigint>;
  minted: bigint;
  run: Run | undefined;
  reign: Reign | undefined;
}

/** Something that may happen next; the world picks one at random. Nothing happens to a node while it is paused. */
interface Event {
  readonly to?: number;
  readonly run: () => void;
}

/**
 * Nodes that run the decisions of the driver over plain stores. Every store elects whom it likes, news of it arrives
 * late and in any order, requests are carried out late and in any order, answers are lost, processes die.
 */
export class World {
  readonly reigns: Reign[] = [];
  readonly problems: string[] = [];
  readonly #options: WorldOptions;
  readonly #policy: QuorumPolicy;
  readonly #stores: Store[];
  readonly #nodes: Node[];
  readonly #network: Event[] = [];
  #paused = -1;

  constructor(options: WorldOptions) {
    this.#options = options;
    const n = options.members;
    const w = options.flaw === "W below a majority" ? majority(n) - 1 : majority(n);
    this.#policy = new QuorumPolicy({ n, w });
    this.#stores = Array.from({ length: n }, () => ({ epoch: 0n, leader: -1, ballot: 0n, highWater: 0 }));
    this.#nodes = Array.from({ length: options.nodes }, () => newNode());
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) this.#step();
    this.#judge();
  }

  #step(): void {
    const { random } = this.#options;
    // Mostly what is under way goes on; elections are rarer, so that reigns get somewhere.
    if (this.#network.length > 0 && !random.oneIn(4)) {
      const index = random.below(this.#network.length);
      if (this.#network[index]?.to === this.#paused) return;
      this.#network.splice(index, 1)[0]?.run();
      return;
    }
    if (random.oneIn(12)) this.#paused = random.below(this.#nodes.length * 2);
    const node = random.below(this.#nodes.length);
    if (random.oneIn(6)) this.#elect(random.below(this.#stores.length), node);
    else if (random.oneIn(60)) this.#crash(node);
    else if (node !== this.#paused) this.#act(node);
  }

  #elect(member: number, node: number): void {
    const store = this.#stores[member] as Store;
    store.epoch += 1n;
    store.leader = node;
    const { epoch } = store;
    for (const [index, other] of this.#nodes.entries()) {
      const news = (): void => {
        // The stream of a member never goes back: news that is older than what was seen is not delivered.
        if (this.#nodes[index] !== other || (other.believes.get(member) ?? -1n) > epoch) return;
        if (index === node) other.believes.set(member, epoch);
        else other.believes.delete(member);
        this.#endUnlessHeld(other);
      };
      this.#network.push({ to: index, run: news });
    }
  }

  #crash(node: number): void {
    this.#nodes[node] = newNode();
    for (const store of this.#stores) if (store.leader === node) store.leader = -1;
  }

  #act(index: number): void {
    const node = this.#nodes[index] as Node;
    if (node.reign !== undefined) this.#reignOn(index, node, node.reign);
    else if (node.run === undefined && node.believes.size >= this.#policy.w) this.#stand(index, node);
  }

  /** Sends a request: carried out at some time or never, answered at some time or never. */
  #send<T>(to: number, carryOut: () => T, answered: (reply: T) => void, failed: () => void): void {
    const { random } = this.#options;
    if (random.oneIn(12)) {
      this.#network.push({ to, run: failed });
      if (random.oneIn(2)) this.#network.push({ run: () => void carryOut() });
      return;
    }
    const run = (): void => {
      const reply = carryOut();
      this.#network.push({ to, run: random.oneIn(12) ? failed : () => answered(reply) });
    };
    this.#network.push({ run });
  }

  /** One atomic step of a store, if the epoch is still the newest there. */
  #fenced(index: number, member: number, epoch: bigint, write: (store: Store) => number): number | undefined {
    const store = this.#stores[member] as Store;
    const isNewest = store.leader === index && store.epoch === epoch;
    return isNewest || this.#options.flaw === "member writes without a fence" ? write(store) : undefined;
  }

  #stand(index: number, node: Node): void {
    const led = new Map(node.believes);
    const names = [...led.keys()].map(String);
    const run: Run = {
      candidacy: new Candidacy({ led: names, needed: this.#policy.w, newest: node.minted }),
      led,
      ballots: new Map(),
      wonBefore: largest(this.reigns.map(({ ballot }) => ballot)),
      won: new Map(),
    };
    node.run = run;
    for (const member of led.keys()) {
      const store = this.#stores[member] as Store;
      this.#send(
        index,
        () => ({ ballot: store.ballot, highWater: store.highWater }),
        (reading) => {
          if (node.run !== run) return;
          run.ballots.set(member, reading.ballot);
          const ballot = this.#options.flaw === "ballot from own memory" ? 0n : reading.ballot;
          const wasMinted = run.candidacy.minted !== undefined;
          run.candidacy.recordReading(String(member), { ...reading, ballot });
          if (!wasMinted && run.candidacy.minted !== undefined) this.#writeBallots(index, node, run);
          this.#concludeRun(index, node, run);
        },
        () => this.#failRun(index, node, run, member),
      );
    }
  }

  #writeBallots(index: number, node: Node, run: Run): void {
    const { minted } = run.candidacy;
    if (minted === undefined) return;
    node.minted = minted.ballot;
    for (const member of minted.members.map(Number)) {
      const epoch = run.led.get(member) as bigint;
      const raise = minted.ballot - (run.ballots.get(member) ?? 0n);
      this.#send(
        index,
        () => this.#fenced(index, member, epoch, (store) => raised(store, raise)),
        (reply) => {
          if (node.run !== run) return;
          if (reply === undefined) run.candidacy.recordFailure(String(member));
          else {
            run.candidacy.recordWritten(String(member));
            run.won.set(member, epoch);
          }
          this.#concludeRun(index, node, run);
        },
        () => this.#failRun(index, node, run, member),
      );
    }
  }

  #failRun(index: number, node: Node, run: Run, member: number): void {
    if (node.run !== run) return;
    run.candidacy.recordFailure(String(member));
    this.#concludeRun(index, node, run);
  }

  #concludeRun(index: number, node: Node, run: Run): void {
    const { outcome, minted } = run.candidacy;
    if (outcome === "open") return;
    node.run = undefined;
    if (outcome === "lost" || minted === undefined || this.#nodes[index] !== node) return;
    const epochs = largest([...run.won.values()]);
    const { highWater: floor } = minted;
    const reign: Reign = {
      node: index,
      ballot: this.#options.flaw === "epoch from member epochs" ? epochs : minted.ballot,
      first: floor + 1,
      last: floor,
      floor,
      bound: new Map(run.won),
      refused: new Map(),
      wonBefore: run.wonBefore,
      write: undefined,
    };
    node.reign = reign;
    this.reigns.push(reign);
    this.#endUnlessHeld(node);
  }

  #reignOn(index: number, node: Node, reign: Reign): void {
    const outside = [...node.believes].filter(([member, epoch]) => reign.bound.get(member) !== epoch);
    const [join] = outside;
    if (join !== undefined && this.#options.random.oneIn(2)) this.#join(index, node, reign, join);
    else if (reign.write === undefined) this.#persist(index, node, reign);
  }

  #join(index: number, node: Node, reign: Reign, [member, epoch]: readonly [number, bigint]): void {
    const store = this.#stores[member] as Store;
    this.#send(
      index,
      () => store.ballot,
      (shown) => {
        if (!mayJoin(reign.ballot, shown)) return;
        const raise = reign.ballot - shown;
        this.#send(
          index,
          () => this.#fenced(index, member, epoch, (at) => raised(at, raise)),
          (reply) => {
            if (reply !== undefined && node.reign === reign) reign.bound.set(member, epoch);
          },
          () => {},
        );
      },
      () => {},
    );
  }

  #persist(index: number, node: Node, reign: Reign): void {
    const target = reign.floor + 1 + this.#options.random.below(5);
    const names = this.#stores.map((_store, member) => String(member));
    const write: Write = { target, count: new PersistCount(this.#policy, names), acks: [] };
    reign.write = write;
    for (const member of this.#stores.keys()) {
      const epoch = reign.bound.get(member);
      if (epoch === undefined || node.believes.get(member) !== epoch) {
        write.count.record(String(member), { kind: "outside" });
        continue;
      }
      this.#send(
        index,
        () => this.#fenced(index, member, epoch, (store) => lifted(store, target)),
        (highWater) => {
          if (highWater === undefined) reign.refused.set(member, epoch);
          if (highWater === undefined) write.count.record(String(member), { kind: "refused", message: "over" });
          else {
            write.acks.push(highWater);
            write.count.record(String(member), { kind: "ack", highWater });
          }
          this.#concludeWrite(node, reign, write, highWater === undefined);
        },
        () => {
          const error = new ConsensusError("uncertain", "the answer was lost");
          write.count.record(String(member), { kind: "failed", error });
          this.#concludeWrite(node, reign, write, false);
        },
      );
    }
    this.#concludeWrite(node, reign, write, false);
  }

  #concludeWrite(node: Node, reign: Reign, write: Write, wasRefused: boolean): void {
    if (reign.write !== write) return;
    const { flaw } = this.#options;
    const verdict =
      flaw === "fenced by one reply" && wasRefused ? ({ kind: "fenced", message: "" } as const) : write.count.verdict();
    if (verdict === undefined) return;
    reign.write = undefined;
    const isLate = node.reign !== reign;
    if (verdict.kind === "met" && !isLate && this.#nodes[reign.node] === node) {
      reign.last = flaw === "largest acknowledgement" ? Math.max(...write.acks) : verdict.highWater;
      reign.floor = Math.max(reign.floor, reign.last);
    } else if (verdict.kind === "fenced" && (flaw === "fenced by one reply" || !this.#hasHope(node, reign))) {
      this.#checkFenced(node, reign);
      if (node.reign === reign) node.reign = undefined;
    }
  }

  #hasHope(node: Node, { bound, refused }: Reign): boolean {
    const hopeful = [...bound].filter(
      ([member, epoch]) => node.believes.get(member) === epoch && refused.get(member) !== epoch,
    );
    return hopeful.length >= this.#policy.w;
  }

  /** A reign is told that it can never win again only if that is so. */
  #checkFenced(node: Node, reign: Reign): void {
    if (node.reign !== reign) return;
    const open = [...reign.bound].filter(([member, epoch]) => {
      const store = this.#stores[member] as Store;
      return store.leader === reign.node && store.epoch === epoch && node.believes.get(member) === epoch;
    });
    if (open.length >= this.#policy.w) this.problems.push(`reign ${reign.ballot} was called fenced and is not`);
  }

  #endUnlessHeld(node: Node): void {
    const { reign } = node;
    if (reign === undefined) return;
    const held = [...reign.bound].filter(([member, epoch]) => node.believes.get(member) === epoch).length;
    if (held < this.#policy.w) node.reign = undefined;
  }

  /** What the promises say of all reigns together. */
  #judge(): void {
    const ordered = [...this.reigns].sort((a, b) => (a.ballot < b.ballot ? -1 : a.ballot > b.ballot ? 1 : 0));
    for (const [index, reign] of ordered.entries()) {
      if (ordered[index - 1]?.ballot === reign.ballot) this.problems.push(`two reigns have epoch ${reign.ballot}`);
      if (reign.ballot <= reign.wonBefore) this.problems.push(`epoch ${reign.ballot} came after ${reign.wonBefore}`);
    }
    let top = 0;
    for (const { ballot, first, last } of ordered) {
      if (last < first) continue;
      if (first <= top) this.problems.push(`reign ${ballot} served ${first}..${last}, but ${top} was served before`);
      top = Math.max(top, last);
    }
  }
}

function newNode(): Node {
  return { believes: new Map(), minted: 0n, run: undefined, reign: undefined };
}

function raised(store: Store, by: bigint): number {
  if (by > 0n) store.ballot += by;
  return Number(store.ballot);
}

function lifted(store: Store, target: number): number {
  store.highWater = Math.max(store.highWater, target);
  return store.highWater;
}
