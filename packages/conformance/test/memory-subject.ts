// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import { type FaultyDriver, faulty, MEMORY_CAPABILITIES, MemoryStore } from "@tsoracle/consensus/memory";
import { peerEndpoint } from "@tsoracle/core";
import type { FaultName, Faults, Release, Subject, Universe } from "../src/index.ts";

/** Small, so that filling it takes one batch. */
export const SEQ_KEY_CAP = 20;
/** How long a stalled call waits in the tests: long enough to be aborted first, short enough not to slow a run. */
const STALL_TIMEOUT_MS = 50;

/** What a broken variant of the memory driver can change. */
export interface MemoryVariant {
  /** The subject's name and what else it says about the driver. */
  readonly subject?: Partial<Omit<Subject, "provision">>;
  /** Makes the store of a new universe. */
  readonly makeStore?: () => MemoryStore;
  /** Stands between the kit and the driver of one node. */
  readonly wrap?: (driver: ConsensusDriver, place: Place) => ConsensusDriver;
  /** Replaces faults of a universe. */
  readonly faults?: (world: MemoryUniverse) => { readonly [Name in FaultName]?: Faults[Name] | undefined };
  /** How long a stalled call waits. */
  readonly stallTimeoutMs?: number;
}

/** Where a wrapped driver stands. */
export interface Place {
  readonly node: number;
  readonly world: MemoryUniverse;
}

/** The memory driver with every fault that there is: three nodes on one store. */
export function memorySubject(variant: MemoryVariant = {}): Subject {
  return {
    name: "memory",
    capabilities: MEMORY_CAPABILITIES,
    nodes: 3,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "setSequence"],
    resigns: true,
    seqKeyCap: SEQ_KEY_CAP,
    callTimeoutMs: 2_000,
    ...variant.subject,
    provision: async () => new MemoryUniverse(variant),
  };
}

export class MemoryUniverse implements Universe {
  /** What a broken variant remembers besides the store; shared by the nodes of this universe. */
  readonly memory: Map<string, unknown> = new Map();
  readonly faults: Partial<Faults>;
  store: MemoryStore;
  readonly #variant: MemoryVariant;
  readonly #inner = new Map<number, FaultyDriver>();
  readonly #cutOff = new Set<number>();

  constructor(variant: MemoryVariant) {
    this.#variant = variant;
    this.store = this.makeStore();
    this.faults = { ...this.#ownFaults(), ...variant.faults?.(this) } as Partial<Faults>;
  }

  makeStore(): MemoryStore {
    return this.#variant.makeStore?.() ?? new MemoryStore({ seqKeyCap: SEQ_KEY_CAP, autoElect: true });
  }

  async open(node: number): Promise<ConsensusDriver> {
    const endpoint = peerEndpoint(`node-${node}.example:5055`);
    const inner = faulty(this.store.open(node, { endpoint }), {
      callTimeoutMs: this.#variant.stallTimeoutMs ?? STALL_TIMEOUT_MS,
    });
    const driver = this.#variant.wrap?.(inner, { node, world: this }) ?? inner;
    this.#inner.set(node, inner);
    return driver;
  }

  /** The unbroken driver of a node. */
  inner(node: number): FaultyDriver {
    const driver = this.#inner.get(node);
    if (driver === undefined) throw new TypeError(`node ${node} is not open`);
    return driver;
  }

  /** The unbroken driver of the node that leads. */
  leader(): FaultyDriver {
    const { leader } = this.store;
    if (leader === undefined) throw new TypeError("no node leads");
    return this.inner(leader);
  }

  async crash(node: number): Promise<void> {
    this.store.crash(node);
    this.#inner.delete(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#inner.values()) await driver[Symbol.asyncDispose]();
  }

  #ownFaults(): Omit<Faults, "wipe"> {
    return {
      crash: (node) => this.crash(node),
      loseReply: async (node) => this.inner(node).faults.loseReply(),
      stall: async (node) => this.inner(node).faults.stall("writes"),
      elect: async (node) => void this.store.elect(node),
      partition: async (groups) => this.#partition(groups),
      setSequence: async (key, next) => this.store.setSequence(key, next),
    };
  }

  /** Whether a partition keeps this node from the store. */
  isCutOff(node: number): boolean {
    return this.#cutOff.has(node);
  }

  /** Elects another, if the leader is one of those that are gone. */
  succeed(gone: readonly number[], [successor]: readonly number[]): void {
    const { leader } = this.store;
    if (leader !== undefined && gone.includes(leader) && successor !== undefined) this.store.elect(successor);
  }

  #partition([withStore = [], ...others]: readonly (readonly number[])[]): Release {
    const cutOff = others.flat();
    const releases = cutOff.map((node) => this.inner(node).faults.stall("all"));
    for (const node of cutOff) this.#cutOff.add(node);
    this.succeed(cutOff, withStore);
    return () => {
      for (const release of releases) release();
      for (const node of cutOff) this.#cutOff.delete(node);
    };
  }
}
