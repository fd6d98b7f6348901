// SPDX-License-Identifier: Apache-2.0
import type { JournalFaults, JournalSubject, JournalUniverse, Release } from "@tsoracle/conformance";
import type { FencedJournal } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";

const NO_MEDIUM = "it keeps nothing on a medium";

/** Journals in memory with every fault that they can have: three nodes on one store. */
export const memoryJournalSubject: JournalSubject = {
  name: "memory",
  nodes: 3,
  faults: ["crash", "loseReply", "stall", "partition"],
  waivers: { tornTail: NO_MEDIUM, corrupt: NO_MEDIUM },
  provision: async () => new MemoryUniverse(),
};

class MemoryUniverse implements JournalUniverse {
  readonly #store = new MemoryJournalStore({ maxEntryBytes: 2_000, maxSnapshotBytes: 4_000 });
  readonly #open = new Map<number, FaultyJournal>();
  readonly faults: Partial<JournalFaults> = {
    crash: async (node) => void this.#open.delete(node),
    loseReply: async (node) => this.#inner(node).faults.loseReply(),
    stall: async (node): Promise<Release> => this.#inner(node).faults.stall("writes"),
    partition: async (node): Promise<Release> => this.#inner(node).faults.stall("all"),
  };

  async open(node: number): Promise<FencedJournal> {
    const journal = faultyJournal(this.#store.open(), { callTimeoutMs: 50 });
    this.#open.set(node, journal);
    return journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#open.values()) await journal[Symbol.asyncDispose]();
  }

  #inner(node: number): FaultyJournal {
    const journal = this.#open.get(node);
    if (journal === undefined) throw new TypeError(`node ${node} is not open`);
    return journal;
  }
}
