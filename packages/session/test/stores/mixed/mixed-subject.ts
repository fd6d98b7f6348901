// SPDX-License-Identifier: Apache-2.0
import type { JournalSubject, JournalUniverse } from "@tsoracle/conformance";
import type { FencedJournal } from "@tsoracle/consensus";
import { mixedJournal } from "../../../src/mixed.ts";

export interface MixedSubjectOptions {
  readonly name?: string;
  readonly snapshots: JournalSubject;
  readonly journal: JournalSubject;
  /** How two journals become one. @defaultValue `mixedJournal` */
  readonly mix?: (snapshots: FencedJournal, journal: FencedJournal) => FencedJournal;
}

/** A subject of two others: every fault strikes both stores of a node, except a lost reply, which strikes the entries. */
export function mixedSubject({ snapshots, journal, ...options }: MixedSubjectOptions): JournalSubject {
  const { mix = (left, right) => mixedJournal({ snapshots: left, journal: right }) } = options;
  return {
    name: options.name ?? `mixed (snapshots in ${snapshots.name}, entries in ${journal.name})`,
    nodes: Math.min(snapshots.nodes, journal.nodes),
    faults: journal.faults.filter((fault) => snapshots.faults.includes(fault)),
    waivers: { ...journal.waivers, ...snapshots.waivers },
    callTimeoutMs: 3 * ((snapshots.callTimeoutMs ?? 5_000) + (journal.callTimeoutMs ?? 5_000)),
    provision: async (seed) => new MixedUniverse(await snapshots.provision(seed), await journal.provision(seed), mix),
  };
}

class MixedUniverse implements JournalUniverse {
  readonly faults: JournalUniverse["faults"];
  readonly #both: readonly [JournalUniverse, JournalUniverse];
  readonly #mix: (snapshots: FencedJournal, journal: FencedJournal) => FencedJournal;

  constructor(
    snapshots: JournalUniverse,
    journal: JournalUniverse,
    mix: (snapshots: FencedJournal, journal: FencedJournal) => FencedJournal,
  ) {
    this.#both = [snapshots, journal];
    this.#mix = mix;
    this.faults = {
      crash: async (node) => {
        await Promise.all(this.#both.map(({ faults }) => faults.crash?.(node)));
      },
      loseReply: async (node) => {
        await journal.faults.loseReply?.(node);
      },
      stall: async (node) => this.#lasting(this.#both.map(({ faults }) => faults.stall?.(node))),
      partition: async (node) => this.#lasting(this.#both.map(({ faults }) => faults.partition?.(node))),
    };
  }

  async open(node: number): Promise<FencedJournal> {
    const [snapshots, journal] = this.#both;
    return this.#mix(await snapshots.open(node), await journal.open(node));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const universe of this.#both) await universe[Symbol.asyncDispose]();
  }

  async #lasting(faults: readonly (Promise<() => void | Promise<void>> | undefined)[]): Promise<() => Promise<void>> {
    const releases = await Promise.all(faults);
    return async () => {
      for (const release of releases) await release?.();
    };
  }
}
