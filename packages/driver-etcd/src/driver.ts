// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type ConsensusDriver,
  type DenseSequences,
  type DriverCapabilities,
  type LeaderState,
  LeadershipCell,
  type LeaseStore,
  rejectOutOfRangeAdvance,
} from "@tsoracle/consensus";
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import type { Candidacy } from "./candidacy.ts";
import type { EtcdStore } from "./client/etcd-store.ts";
import { Election } from "./election.ts";
import { toConsensusError } from "./failure.ts";
import { FencedStore } from "./fenced-store.ts";
import { EtcdLeases } from "./lease-store.ts";
import type { DriverConfig } from "./options.ts";
import { decodeHighWater } from "./records.ts";
import { foundIn, Register } from "./register.ts";
import { EtcdSequences } from "./sequence-store.ts";
import type { StoreAccess } from "./store-access.ts";
import { range } from "./transactions.ts";
import type { KeyValue } from "./wire/messages.ts";

/** A driver with everything that etcd offers it. */
export interface EtcdDriver extends ConsensusDriver {
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  resign(reason: string): Promise<void>;
}

/** The driver: carries the calls of the contract to etcd, under the fence of its candidacy. */
export class OpenEtcdDriver implements EtcdDriver, StoreAccess {
  readonly name = "etcd";
  readonly capabilities: DriverCapabilities;
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly config: DriverConfig;
  readonly register: Register;
  readonly fenced: FencedStore;
  readonly #cell = new LeadershipCell();
  readonly #calls = new Calls("etcd");
  readonly #election: Election;
  #disposal: Promise<void> | undefined;

  constructor(config: DriverConfig, store: EtcdStore) {
    this.config = config;
    this.capabilities = config.capabilities;
    this.register = new Register(store, config);
    this.fenced = new FencedStore(this.register);
    this.#election = new Election(config, this.register, this.fenced, this.#cell);
    this.sequences = new EtcdSequences(this);
    this.leases = new EtcdLeases(this);
  }

  /** @throws ConsensusError `permanent` when the first look at the store shows that a person is needed */
  async start(): Promise<void> {
    const failure = await this.#election.start();
    if (failure === undefined) return;
    const error = toConsensusError(failure, false);
    if (error.code === "permanent") throw error;
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#cell.read(options);
  }

  /** A leader loads under its fence (T3), so that it learns at once if it is none. */
  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.call(options, false, async () => {
      const { leader } = this.#election;
      if (leader === undefined) return await this.register.load();
      try {
        return await this.fenced.load(leader);
      } catch (error) {
        if (leader.signal.aborted) return await this.register.load();
        throw error;
      }
    });
  }

  persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    return this.call(options, true, async () => {
      rejectOutOfRangeAdvance(atLeast);
      return await this.fenced.persist(this.leading(epoch), atLeast);
    });
  }

  async resign(_reason: string): Promise<void> {
    await this.#calls.run(undefined, () => this.#election.resign());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  /** Stops granting first, then lets the calls under way end, then withdraws from the election. */
  async #dispose(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#election.stop()]);
    this.#cell.close();
    this.register.store.close();
  }

  // What the stores ask for.

  call<T>(options: CallOptions | undefined, isWrite: boolean, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(options, async () => {
      try {
        return await work();
      } catch (error) {
        throw toConsensusError(error, isWrite);
      }
    });
  }

  leading(epoch: Epoch): Candidacy {
    return this.#election.leading(epoch);
  }

  async read(keys: readonly Uint8Array[]): Promise<readonly (KeyValue | undefined)[]> {
    try {
      const { hwRev } = await this.register.bind();
      const before = this.register.covered;
      const success = [this.register.keys.highWater, ...keys].map(range);
      const [register, ...found] = foundIn(await this.register.store.txn({ compare: [], success, failure: [] }));
      if (register?.createRevision !== hwRev) throw this.register.replaced(register?.createRevision);
      this.register.shown(decodeHighWater(register.value).highWater, before);
      return found;
    } catch (error) {
      // Also as part of a write, a read that failed leaves nothing open.
      throw toConsensusError(error, false);
    }
  }
}
