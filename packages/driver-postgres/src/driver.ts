// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type ConsensusDriver,
  ConsensusError,
  type DenseSequences,
  type DriverCapabilities,
  type LeaderState,
  LeadershipCell,
  type LeaseStore,
  rejectOutOfRangeAdvance,
} from "@tsoracle/consensus";
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import { Election } from "./election.ts";
import { StatementFailure } from "./failure.ts";
import { PostgresLeases } from "./lease-store.ts";
import type { DriverConfig } from "./options.ts";
import { PostgresSequences } from "./sequence-store.ts";
import type { PgSession } from "./session.ts";
import type { StoreAccess } from "./store-access.ts";

/** A driver with everything the Postgres store offers. */
export interface PostgresDriver extends ConsensusDriver {
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  resign(reason: string): Promise<void>;
}

/** The driver: carries the calls of the contract over the session of its election. */
export class OpenPostgresDriver implements PostgresDriver, StoreAccess {
  readonly name = "postgres";
  readonly capabilities: DriverCapabilities;
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly config: DriverConfig;
  readonly #cell = new LeadershipCell();
  readonly #calls = new Calls("postgres");
  readonly #election: Election;
  #disposal: Promise<void> | undefined;

  constructor(config: DriverConfig) {
    this.config = config;
    this.capabilities = config.capabilities;
    this.sequences = new PostgresSequences(this);
    this.leases = new PostgresLeases(this);
    this.#election = new Election(config, this.#cell);
  }

  /** @throws ConsensusError `permanent` when the first attempt to connect shows that a person is needed */
  async start(): Promise<void> {
    const failure = await this.#election.start();
    if (failure?.isPermanent === true) throw failure.toConsensusError(false);
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#cell.read(options);
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.call(options, false, async () => await this.#election.load(await this.ready()));
  }

  persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    return this.call(options, true, async () => {
      rejectOutOfRangeAdvance(atLeast);
      const { persist } = this.config.statements;
      const what = "cannot persist the high-water";
      return await this.#election.renewing(this.sessionOf(epoch), epoch, what, persist, [String(atLeast)]);
    });
  }

  async resign(_reason: string): Promise<void> {
    await this.#calls.run(undefined, () => this.#election.resign());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  /** Stops granting first, then lets the calls under way end, then frees the lock. */
  async #dispose(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#election.stop()]);
    this.#cell.close();
  }

  // What the stores ask for.

  call<T>(options: CallOptions | undefined, isWrite: boolean, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(options, async () => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof StatementFailure) throw error.toConsensusError(isWrite);
        throw ConsensusError.from(error);
      }
    });
  }

  ready(): Promise<PgSession> {
    return this.#election.ready();
  }

  sessionOf(epoch: Epoch): PgSession {
    return this.#election.sessionOf(epoch);
  }

  async loadGate(session: PgSession): Promise<void> {
    await this.#election.load(session);
  }

  fencedOut(session: PgSession, epoch: Epoch): Promise<ConsensusError> {
    return this.#election.fencedOut(session, epoch);
  }
}
