// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PeerEndpoint, PhysicalMs } from "@tsoracle/core";
import { rejectOutOfRangeAdvance } from "./advance-payload.ts";
import { Calls } from "./calls.ts";
import type { DriverCapabilities } from "./capabilities.ts";
import type { ConsensusDriver, DenseSequences, LeaseStore } from "./driver.ts";
import type { CallOptions, LeaderState, Tenure } from "./leader-state.ts";
import { LeadershipCell } from "./leadership-cell.ts";
import type { MemoryHistory } from "./memory-history.ts";

/**
 * What the memory driver promises. Nothing outlives the process. Several nodes of one process may
 * share a history; the tenure of each looks at the history itself and so ends in the very step that
 * installs the next epoch, without a wait-out.
 */
export const MEMORY_CAPABILITIES: DriverCapabilities = Object.freeze({
  durability: "asynchronous",
  topology: "cluster",
  realTimeOrder: "lease",
  sequences: true,
  leases: true,
  membership: false,
});

/** What a node of a memory store asks of the store that opened it. */
export interface MemoryNodeHost {
  readonly history: MemoryHistory;
  /** Ends the reign of this node, if it reigns, and hands over to another where there is one. */
  resign(driver: MemoryDriver): void;
  /** The node has left. */
  left(driver: MemoryDriver): void;
}

/** One node of a memory store. Made by `MemoryStore.open`. */
export class MemoryDriver implements ConsensusDriver {
  readonly name = "memory";
  readonly capabilities: DriverCapabilities = MEMORY_CAPABILITIES;
  readonly node: number;
  readonly endpoint: PeerEndpoint | undefined;
  readonly sequences: DenseSequences;
  readonly leases: LeaseStore;
  readonly #host: MemoryNodeHost;
  readonly #cell = new LeadershipCell();
  readonly #calls = new Calls("memory");
  #disposal: Promise<void> | undefined;

  constructor(host: MemoryNodeHost, node: number, endpoint: PeerEndpoint | undefined) {
    this.#host = host;
    this.node = node;
    this.endpoint = endpoint;
    const { history } = host;
    this.sequences = {
      load: (key, options) => this.#step(options, () => history.sequence(key)),
      advance: (entries, epoch, options) => this.#step(options, () => history.advanceSequences(node, entries, epoch)),
    };
    this.leases = {
      load: (options) => this.#step(options, () => history.leases()),
      replace: (live, epoch, options) => this.#step(options, () => history.replaceLeases(node, live, epoch)),
    };
  }

  async *leadershipEvents(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState, void, undefined> {
    yield* this.#cell.read(options);
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.#step(options, () => this.#host.history.highWater);
  }

  persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    return this.#step(options, () => {
      rejectOutOfRangeAdvance(atLeast);
      return this.#host.history.advance(this.node, atLeast, epoch);
    });
  }

  async resign(_reason: string): Promise<void> {
    await this.#step(undefined, () => this.#host.resign(this));
  }

  /** Tells the readers of this node. Only the store calls it, after the history has changed. */
  publish(state: LeaderState): void {
    this.#cell.set(state);
  }

  /** The tenure of a reign of this node: valid while the history names this node and this epoch. */
  tenureOf(epoch: Epoch): Tenure {
    const { history } = this.#host;
    return Object.freeze({ valid: () => this.#disposal === undefined && history.reigns(this.node, epoch) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#calls.close();
    this.#host.left(this);
    this.#cell.close();
  }

  /** One atomic step of the history, at a later moment than the call, as with any store. */
  #step<T>(options: CallOptions | undefined, step: () => T): Promise<T> {
    return this.#calls.run(options, async () => {
      await Promise.resolve();
      return step();
    });
  }
}
