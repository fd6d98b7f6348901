// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ConsensusDriver, DenseSequences, LeaderState } from "@tsoracle/consensus";
import { ConsensusError } from "@tsoracle/consensus";
import { MemoryStore } from "@tsoracle/consensus/memory";
import type { Epoch, PeerEndpoint, PhysicalMs, SeqKey } from "@tsoracle/core";
import { LIFE_KEY, type Stage, stageKey, stageOf } from "../../src/driver/life.ts";

type Write = "high-water" | "life" | "stage" | "ballot";

/** A store that can lose its data under drivers that stay open, as a server does behind one address. */
export class ReplaceableStore {
  #store = new MemoryStore();
  /** Every write that was carried out, in every life. */
  readonly log: Write[] = [];
  /** Throws for a call that fails; asked before each one. */
  gate: (call: Write | "load") => void | Promise<void> = () => {};

  get highWater(): number {
    return this.#store.highWater;
  }

  get current(): MemoryStore {
    return this.#store;
  }

  elect(node: number): void {
    this.#store.elect(node);
  }

  /** In the store that comes back, `leader` reigns; its epochs are those that were there before. */
  wipe(leader: number, epoch = 1): void {
    this.#store = new MemoryStore();
    for (const open of this.#opened) open.move(this.#store);
    for (let election = 0; election < epoch; election += 1) this.#store.elect(leader);
  }

  readonly #opened: ReplaceableDriver[] = [];

  /** Whom the store takes a write for: it knows epochs, and no nodes, as the row of a database does. */
  writer(sender: ReplaceableDriver): ConsensusDriver {
    return (this.#opened.find(({ node }) => node === this.#store.leader) ?? sender).inner;
  }

  open(node: number, endpoint: PeerEndpoint): ReplaceableDriver {
    const driver = new ReplaceableDriver(this, node, endpoint);
    this.#opened.push(driver);
    return driver;
  }

  /** The stage in the life that the store is in. */
  async stage(): Promise<Stage> {
    await using reader = this.#store.open(1_000);
    const sequences = sequencesOf(reader);
    const life = await sequences.load(LIFE_KEY);
    return life === 0n ? "empty" : stageOf(await sequences.load(stageKey(life)));
  }
}

/** One node's driver: what the store loses goes unseen in its stream, until the new store tells it something. */
export class ReplaceableDriver implements ConsensusDriver {
  readonly name = "replaceable";
  readonly capabilities: ConsensusDriver["capabilities"];
  readonly sequences: DenseSequences;
  readonly #store: ReplaceableStore;
  readonly node: number;
  readonly #endpoint: PeerEndpoint;
  #inner: ConsensusDriver;
  readonly #outgrown: ConsensusDriver[] = [];
  readonly #moves = new Set<() => void>();
  /** Whether it hears of the store that takes the place of another. */
  hears = true;
  /** Whether its stream stands still. */
  isDeaf = false;

  constructor(store: ReplaceableStore, node: number, endpoint: PeerEndpoint) {
    this.#store = store;
    this.node = node;
    this.#endpoint = endpoint;
    this.#inner = store.current.open(node, { endpoint });
    this.capabilities = this.#inner.capabilities;
    this.sequences = {
      load: async (key) => {
        await this.#store.gate("load");
        return await sequencesOf(this.#inner).load(key);
      },
      advance: async (entries, epoch) => {
        const kinds = entries.map(({ key }) => kindOf(key));
        for (const kind of kinds) await this.#store.gate(kind);
        const starts = await sequencesOf(this.#store.writer(this)).advance(entries, epoch);
        this.#store.log.push(...kinds);
        return starts;
      },
    };
  }

  get inner(): ConsensusDriver {
    return this.#inner;
  }

  move(store: MemoryStore): void {
    this.#outgrown.push(this.#inner);
    this.#inner = store.open(this.node, { endpoint: this.#endpoint });
    if (this.hears) for (const move of this.#moves) move();
  }

  async *leadershipEvents({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState> {
    while (!signal.aborted) {
      const stop = new AbortController();
      const moved = (): void => stop.abort();
      this.#moves.add(moved);
      for await (const item of this.#inner.leadershipEvents({ signal: AbortSignal.any([signal, stop.signal]) })) {
        if (!this.isDeaf) yield item;
      }
      this.#moves.delete(moved);
      if (!stop.signal.aborted) return;
    }
  }

  async loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    await this.#store.gate("load");
    return await this.#inner.loadHighWater(options);
  }

  async persistHighWater(atLeast: PhysicalMs, epoch: Epoch): Promise<PhysicalMs> {
    await this.#store.gate("high-water");
    const stored = await this.#store.writer(this).persistHighWater(atLeast, epoch);
    this.#store.log.push("high-water");
    return stored;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of [this.#inner, ...this.#outgrown]) await driver[Symbol.asyncDispose]();
  }
}

/** For a {@link ReplaceableStore.gate}. */
export function unreachable(): never {
  throw new ConsensusError("transient", "the store cannot be reached");
}

function sequencesOf({ sequences }: ConsensusDriver): DenseSequences {
  if (sequences === undefined) throw new TypeError("the memory driver has sequences");
  return sequences;
}

function kindOf(key: SeqKey): Write {
  if (key === LIFE_KEY) return "life";
  return key.startsWith("tsoracle.quorum.stage.") ? "stage" : "ballot";
}
