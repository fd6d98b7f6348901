// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal, JournalLimits } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import type { JournalFaultName, JournalFaults, JournalSubject, JournalUniverse, Release } from "../../src/index.ts";

/** How long a stalled call waits in the tests. */
const STALL_TIMEOUT_MS = 50;
/** Small, so that what is as large as the limit is written in no time. */
export const LIMITS: JournalLimits = { maxEntryBytes: 2_000, maxSnapshotBytes: 3_000 };

/** What handles are opened on. */
export interface JournalStore {
  open(): FencedJournal;
}

/** What a broken variant of the memory journal can change. */
export interface JournalVariant {
  readonly subject?: Partial<Omit<JournalSubject, "provision">>;
  /** Stands between the kit and the journal of one node. */
  readonly wrap?: (journal: FencedJournal, place: JournalPlace) => FencedJournal;
  /** Replaces faults of a universe. */
  readonly faults?: (world: MemoryJournalUniverse) => {
    readonly [Name in JournalFaultName]?: JournalFaults[Name] | undefined;
  };
  /** Makes the store of a new universe. */
  readonly makeStore?: () => JournalStore;
  /** How long a stalled call waits. */
  readonly stallTimeoutMs?: number;
}

/** Where a wrapped journal stands. */
export interface JournalPlace {
  readonly node: number;
  readonly world: MemoryJournalUniverse;
}

const NO_MEDIUM = "it keeps nothing on a medium";

/** Journals in memory with every fault that they can have: three nodes on one store. */
export function memoryJournalSubject(variant: JournalVariant = {}): JournalSubject {
  return {
    name: "memory",
    nodes: 3,
    faults: ["crash", "loseReply", "stall", "partition"],
    waivers: { tornTail: NO_MEDIUM, corrupt: NO_MEDIUM },
    callTimeoutMs: 2_000,
    ...variant.subject,
    provision: async () => new MemoryJournalUniverse(variant),
  };
}

export class MemoryJournalUniverse implements JournalUniverse {
  /** What a broken variant remembers besides the store; shared by the nodes of this universe. */
  readonly memory: Map<string, unknown> = new Map();
  readonly store: JournalStore;
  readonly faults: Partial<JournalFaults>;
  readonly #variant: JournalVariant;
  readonly #open = new Map<number, FaultyJournal>();

  constructor(variant: JournalVariant) {
    this.#variant = variant;
    this.store = variant.makeStore?.() ?? new MemoryJournalStore(LIMITS);
    this.faults = { ...this.#ownFaults(), ...variant.faults?.(this) } as Partial<JournalFaults>;
  }

  async open(node: number): Promise<FencedJournal> {
    const inner = faultyJournal(this.store.open(), { callTimeoutMs: this.#variant.stallTimeoutMs ?? STALL_TIMEOUT_MS });
    this.#open.set(node, inner);
    return this.#variant.wrap?.(inner, { node, world: this }) ?? inner;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#open.values()) await journal[Symbol.asyncDispose]();
  }

  /** The unbroken journal of a node. */
  inner(node: number): FaultyJournal {
    const journal = this.#open.get(node);
    if (journal === undefined) throw new TypeError(`node ${node} is not open`);
    return journal;
  }

  #ownFaults(): Partial<JournalFaults> {
    const hold = async (node: number, which: "all" | "writes"): Promise<Release> =>
      this.inner(node).faults.stall(which);
    return {
      crash: async (node) => void this.#open.delete(node),
      loseReply: async (node) => this.inner(node).faults.loseReply(),
      stall: (node) => hold(node, "writes"),
      partition: (node) => hold(node, "all"),
    };
  }
}
