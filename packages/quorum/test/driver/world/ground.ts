// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tsoracle/conformance";
import type { MemberReading, Stage } from "../../../src/driver/life.ts";
import { majority, QuorumPolicy } from "../../../src/index.ts";

/** Ways to get the driver wrong, each of which the world must catch. */
export const FLAWS = [
  "largest acknowledgement",
  "W below a majority",
  "fenced by one reply",
  "epoch from member epochs",
  "ballot from own memory",
  "an empty member votes",
  "a newer ballot counts as well",
] as const;
export type Flaw = (typeof FLAWS)[number];

export interface WorldOptions {
  readonly random: Random;
  readonly members: number;
  readonly nodes: number;
  readonly flaw?: Flaw | undefined;
  /** Whether the stores check epochs. Those that lost their data do so in vain, when they count them again. */
  readonly isFenced?: boolean;
}

/** A store: what `MemoryHistory` keeps, with the check of the epoch in the same step as each write. */
export interface Store {
  epoch: bigint;
  leader: number;
  life: bigint;
  stage: Stage;
  ballot: bigint;
  highWater: number;
}

/** Something that may happen next; the world picks one at random. Nothing happens to a node while it is paused. */
export interface Event {
  readonly to?: number;
  readonly run: () => void;
}

/** What the nodes stand on: stores that may lose everything, and a network that is late and forgets. */
export class Ground {
  readonly random: Random;
  readonly flaw: Flaw | undefined;
  readonly isFenced: boolean;
  readonly policy: QuorumPolicy;
  readonly isNew: boolean;
  readonly stores: readonly Store[];
  readonly network: Event[] = [];
  readonly problems: string[] = [];
  /** How often a store that had lost its data was given a vote again. */
  fills = 0;
  #lives = 0n;

  constructor({ random, members, flaw, isFenced = true }: WorldOptions) {
    this.random = random;
    this.flaw = flaw;
    this.isFenced = isFenced;
    const w = flaw === "W below a majority" ? majority(members) - 1 : majority(members);
    this.policy = new QuorumPolicy({ n: members, w });
    this.stores = Array.from({ length: members }, () => this.#empty());
    // A history is begun once and goes on for long: most worlds start after an earlier reign that wrote nothing.
    this.isNew = random.oneIn(4);
    if (!this.isNew) for (const store of this.stores) Object.assign(store, { stage: "admitted", ballot: 1n });
  }

  store(member: number): Store {
    return this.stores[member] as Store;
  }

  /** The store comes back without anything, and counts its epochs again: the next may be any that it has had. */
  wipe(member: number): void {
    const store = this.store(member);
    const epoch = store.epoch > 0n ? store.epoch - 1n - BigInt(this.random.below(2)) : 0n;
    Object.assign(store, this.#empty(), { epoch: epoch > 0n ? epoch : 0n });
  }

  /** Sends a request: carried out at some time or never, answered at some time or never. */
  send<T>(to: number, carryOut: () => T, answered: (reply: T) => void, failed: () => void): void {
    const { random } = this;
    if (random.oneIn(24)) {
      this.network.push({ to, run: failed });
      if (random.oneIn(2)) this.network.push({ run: () => void carryOut() });
      return;
    }
    const run = (): void => {
      const reply = carryOut();
      this.network.push({ to, run: random.oneIn(24) ? failed : () => answered(reply) });
    };
    this.network.push({ run });
  }

  /**
   * One atomic step of a store, if the epoch is still the newest there. It knows nobody by name: a node that was elected
   * in that epoch before the store lost its data may write as well.
   */
  fenced(member: number, epoch: bigint, write: (store: Store) => number): number | undefined {
    const store = this.store(member);
    return store.epoch === epoch || !this.isFenced ? write(store) : undefined;
  }

  /** Two requests, as the driver reads a member: the high-water within a life, then the vote of that life. */
  read(to: number, member: number, answered: (reading: MemberReading) => void, failed: () => void): void {
    const store = this.store(member);
    const vote = (life: bigint) =>
      store.life === life ? { stage: store.stage, ballot: store.ballot } : ({ stage: "empty", ballot: 0n } as const);
    const highWater = () => ({ life: store.life, highWater: store.highWater });
    const then = (seen: Pick<MemberReading, "life" | "highWater">): void =>
      this.send(
        to,
        () => vote(seen.life),
        (found) => answered({ ...seen, ...found }),
        failed,
      );
    this.send(to, highWater, then, failed);
  }

  raise(store: Store, life: bigint, by: bigint): number {
    if (by > 0n && store.life === life) store.ballot += by;
    return Number(store.ballot);
  }

  holds(store: Store, life: bigint, ballot: bigint): boolean {
    if (store.life !== life) return false;
    return this.flaw === "a newer ballot counts as well" ? store.ballot >= ballot : store.ballot === ballot;
  }

  setStage(store: Store, life: bigint, stage: Exclude<Stage, "empty">): number {
    if (store.life !== life || store.stage === "admitted") return 0;
    if (store.stage === "empty" && stage === "admitted") this.fills += 1;
    store.stage = stage;
    return 0;
  }

  lift(store: Store, target: number): number {
    store.highWater = Math.max(store.highWater, target);
    return store.highWater;
  }

  #empty(): Store {
    this.#lives += 1n;
    return { epoch: 0n, leader: -1, life: this.#lives, stage: "empty", ballot: 0n, highWater: 0 };
  }
}
