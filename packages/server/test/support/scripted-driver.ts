// SPDX-License-Identifier: Apache-2.0
import {
  type ConsensusDriver,
  ConsensusError,
  type DenseSequences,
  type DriverCapabilities,
  type LeaderState,
  LeadershipCell,
  type LeaseStore,
  type Tenure,
} from "@tsoracle/consensus";
import {
  DenseTable,
  type Epoch,
  epoch,
  type LeaseRecord,
  PHYSICAL_MS_ZERO,
  type PhysicalMs,
  type SeqEntry,
} from "@tsoracle/core";
import { Script } from "./script.ts";

/** A tenure that a test switches off and on, with confirmations where asked for. */
export class SwitchedTenure implements Tenure {
  isValid = true;
  /** How often it was looked at. */
  looks = 0;
  readonly confirmations: Script<[], boolean> = new Script(() => true);
  readonly confirm?: () => Promise<boolean>;

  constructor(options: { readonly confirm?: boolean } = {}) {
    if (options.confirm === true) this.confirm = () => this.confirmations.run();
  }

  valid(): boolean {
    this.looks += 1;
    return this.isValid;
  }
}

type Advance = [readonly SeqEntry[], Epoch];
type Replace = [readonly LeaseRecord[], Epoch];

export interface ScriptedOptions {
  readonly capabilities?: Partial<DriverCapabilities>;
  readonly features?: { readonly sequences?: boolean; readonly leases?: boolean };
  readonly highWater?: PhysicalMs;
}

/** A store in memory under full control of the test: leadership, outcomes and timing of every call. */
export class ScriptedDriver implements ConsensusDriver {
  readonly name = "scripted";
  readonly capabilities: DriverCapabilities;
  readonly cell = new LeadershipCell();
  highWater: PhysicalMs;
  storedLeases: readonly LeaseRecord[] = [];
  readonly dense = new DenseTable();
  readonly load: Script<[], PhysicalMs> = new Script(() => this.highWater);
  readonly persist: Script<[PhysicalMs, Epoch], PhysicalMs> = new Script<[PhysicalMs, Epoch], PhysicalMs>((atLeast) => {
    if (atLeast > this.highWater) this.highWater = atLeast;
    return this.highWater;
  });
  readonly advance: Script<Advance, readonly bigint[]> = new Script<Advance, readonly bigint[]>((entries) => {
    const advance = this.dense.prepare(entries);
    if (!advance.ok) {
      throw new ConsensusError(advance.reason === "overflow" ? "seq_overflow" : "seq_cardinality_exceeded", "full");
    }
    this.dense.commit(advance.updates);
    return advance.starts;
  });
  readonly loadLeases: Script<[], readonly LeaseRecord[]> = new Script(() => this.storedLeases);
  readonly replaceLeases: Script<Replace, void> = new Script<Replace, void>((live) => {
    this.storedLeases = live;
  });
  readonly sequences?: DenseSequences;
  readonly leases?: LeaseStore;
  readonly resigned: string[] = [];
  readonly resignation: Script<[string], void> = new Script((reason) => {
    this.resigned.push(reason);
  });

  constructor(options: ScriptedOptions = {}) {
    const { sequences = true, leases = true } = options.features ?? {};
    this.highWater = options.highWater ?? PHYSICAL_MS_ZERO;
    this.capabilities = Object.freeze({
      durability: "fsync",
      topology: "cluster",
      realTimeOrder: "lease",
      sequences,
      leases,
      membership: false,
      ...options.capabilities,
    });
    if (sequences) {
      this.sequences = {
        load: async (key) => this.dense.next(key),
        advance: (entries, at) => this.advance.run(entries, at),
      };
    }
    if (leases) {
      this.leases = { load: () => this.loadLeases.run(), replace: (live, at) => this.replaceLeases.run(live, at) };
    }
  }

  /** Makes this node leader, with a tenure that the test keeps. */
  lead(at: bigint, tenure: Tenure = new SwitchedTenure()): void {
    if (this.cell.current.role === "leader") this.cell.set({ role: "unknown" });
    this.cell.set({ role: "leader", epoch: epoch(at), tenure });
  }

  tell(state: LeaderState): void {
    this.cell.set(state);
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.cell.read(options);
  }

  loadHighWater(): Promise<PhysicalMs> {
    return this.load.run();
  }

  persistHighWater(atLeast: PhysicalMs, at: Epoch): Promise<PhysicalMs> {
    return this.persist.run(atLeast, at);
  }

  resign(reason: string): Promise<void> {
    return this.resignation.run(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cell.close();
  }
}
