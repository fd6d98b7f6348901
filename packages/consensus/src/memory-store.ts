// SPDX-License-Identifier: Apache-2.0
import {
  DEFAULT_SEQ_KEY_CAP,
  type Epoch,
  invariant,
  type PeerEndpoint,
  type PhysicalMs,
  type SeqKey,
} from "@tsoracle/core";
import type { ConsensusDriver } from "./driver.ts";
import { MemoryDriver, type MemoryNodeHost } from "./memory-driver.ts";
import { MemoryHistory } from "./memory-history.ts";

export interface MemoryStoreOptions {
  /** Most sequence keys there can be. @defaultValue 10000 */
  readonly seqKeyCap?: number | undefined;
  /** Elects an open node by itself whenever none leads. @defaultValue false */
  readonly autoElect?: boolean | undefined;
}

export interface MemoryNodeOptions {
  /** Where clients reach this node's server; followers name it while this node leads. */
  readonly endpoint?: PeerEndpoint | undefined;
}

/**
 * One history in memory, which several nodes of one process open: the contract of
 * {@link ConsensusDriver} in its simplest form. Leadership changes only when {@link elect} says so,
 * or when the leader resigns or leaves; with `autoElect` a history never stays without a leader.
 *
 * The history lives as long as this object, so that closing and opening a node is a restart.
 */
export class MemoryStore {
  readonly #history: MemoryHistory;
  readonly #autoElect: boolean;
  readonly #nodes = new Map<number, MemoryDriver>();
  readonly #host: MemoryNodeHost;

  constructor(options: MemoryStoreOptions = {}) {
    this.#history = new MemoryHistory(options.seqKeyCap ?? DEFAULT_SEQ_KEY_CAP);
    this.#autoElect = options.autoElect ?? false;
    this.#host = {
      history: this.#history,
      resign: (driver) => this.#resign(driver),
      left: (driver) => this.#left(driver),
    };
  }

  /** The newest epoch; zero before the first election. */
  get epoch(): Epoch {
    return this.#history.epoch;
  }

  get highWater(): PhysicalMs {
    return this.#history.highWater;
  }

  /** The node that leads, if one does. */
  get leader(): number | undefined {
    return this.#history.leader;
  }

  /** Opens a node. It starts as a follower of the present leader, or knowing of none. */
  open(node: number, options: MemoryNodeOptions = {}): ConsensusDriver {
    invariant(!this.#nodes.has(node), `node ${node} is open only once at a time: dispose its driver first`);
    const driver = new MemoryDriver(this.#host, node, options.endpoint);
    this.#nodes.set(node, driver);
    if (this.#autoElect && this.leader === undefined) this.elect(node);
    else this.#tell(driver);
    return driver;
  }

  /**
   * Begins a new reign: the epoch is in the history before anybody hears of it, then the others
   * follow, and only then does `node` hear that it leads. A node that leads already begins anew.
   */
  elect(node: number): Epoch {
    const elected = this.#nodes.get(node);
    invariant(elected !== undefined, `node ${node} is open before it is elected`);
    const epoch = this.#history.install(node);
    for (const other of this.#nodes.values()) {
      if (other !== elected) this.#tell(other);
    }
    elected.publish({ role: "unknown" });
    elected.publish({ role: "leader", epoch, tenure: elected.tenureOf(epoch) });
    return epoch;
  }

  /** Drops a node without telling it, as if its process had died. */
  crash(node: number): void {
    const driver = this.#nodes.get(node);
    if (driver !== undefined) this.#left(driver);
  }

  /** Puts a counter where it could be after very many advances. For tests of overflow. */
  setSequence(key: SeqKey, next: bigint): void {
    this.#history.setSequence(key, next);
  }

  /** What a node that does not lead is told. */
  #tell(driver: MemoryDriver): void {
    const leader = this.#history.leader;
    if (leader === undefined) {
      driver.publish({ role: "unknown" });
    } else {
      const leaderEndpoint = this.#nodes.get(leader)?.endpoint;
      driver.publish({ role: "follower", leaderEndpoint, leaderEpoch: this.#history.epoch });
    }
  }

  #resign(driver: MemoryDriver): void {
    if (!this.#history.vacate(driver.node)) return;
    const successor = [...this.#nodes.keys()].find((node) => node !== driver.node);
    if (successor === undefined) this.#tell(driver);
    else this.elect(successor);
  }

  #left(driver: MemoryDriver): void {
    if (this.#nodes.get(driver.node) !== driver) return;
    this.#nodes.delete(driver.node);
    if (!this.#history.vacate(driver.node)) return;
    const [successor] = this.#nodes.keys();
    if (this.#autoElect && successor !== undefined) this.elect(successor);
    else for (const other of this.#nodes.values()) this.#tell(other);
  }
}

/** A history of its own with one node that leads at once. It forgets everything with the process. */
export function openMemoryDriver(
  options: Omit<MemoryStoreOptions, "autoElect"> & MemoryNodeOptions = {},
): ConsensusDriver {
  return new MemoryStore({ ...options, autoElect: true }).open(0, options);
}
