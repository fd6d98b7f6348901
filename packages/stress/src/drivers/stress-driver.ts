// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { FaultProxy, Server } from "@tsoracle/test-services";
import type { FaultKind } from "../schedule.ts";

/** How a leader knows that it may still answer: by its lease, or by asking its store for each batch. */
export type Freshness = "lease" | "confirm";

export const FRESHNESS: readonly Freshness[] = ["lease", "confirm"];

/** What a run decides about all servers and their store. */
export interface StressTerms {
  /** How many servers there are. */
  readonly servers: number;
  readonly freshness: Freshness;
}

/** One process of the store, as faults of the store see it. */
export interface StoreNode {
  /** For people: `Redis node 3`. */
  readonly name: string;
  readonly process: Server;
  /** The ways of all servers to this node. A cut of the store closes every one of them. */
  readonly links: readonly FaultProxy[];
}

/** What the harness has started for the servers: a real store, or what servers without one need. */
export interface PreparedStore extends AsyncDisposable {
  /** What it is, for the report: program, place and number. */
  readonly about: string;
  /** What {@link StressDriver.open} is given in the process of a server: plain data, the same for each of its starts. */
  configOf(server: number): unknown;
  /**
   * Every way between that server and what it depends on, in both directions: its store, or, where servers talk to
   * each other, its peers' ways to it as well as its own to them. A `cut` of the server closes all of them. Empty where
   * a cut is refused.
   */
  linksOf(server: number): readonly FaultProxy[];
  /** The store's own processes; empty where the faults of the store are refused. */
  readonly nodes: readonly StoreNode[];
  /** How many nodes one fault of the store hits: as many as may be down together without acknowledged writes lost. */
  readonly nodesPerFault: number;
  /**
   * Whether every node counts again. A fault of the store waits for it, so that it does not add to the last one; where
   * the servers have no store but each other, every fault does. Leave it out where a node that runs is a node that counts.
   */
  isWhole?(): Promise<boolean>;
}

/** The longest times without service that `postgres-redis.md` 2.7, or the driver's own reference, allows. */
export interface RecoveryBounds {
  /** After a leader that crashed, was stopped or was cut off. */
  readonly crashMs: number;
  /** After SIGTERM of the leader. */
  readonly handOverMs: number;
}

/** Everything that the harness knows about one driver. To add a driver, write one of these and name it in the table. */
export interface StressDriver {
  readonly name: string;
  /** How many servers share the store. */
  readonly servers: number;
  /** The modes that the driver has, its default first. */
  readonly freshness: readonly Freshness[];
  /** Faults that make no sense, with the reason. Whoever asks for one is told it. */
  readonly refuses: Readonly<Partial<Record<FaultKind, string>>>;
  /** The tenure that servers run with; undefined where leadership is exclusive and there is nothing to check. */
  readonly tenureMs: number | undefined;
  /** How long a pause or a cut lasts, in milliseconds: longer than a successor waits. */
  readonly outageMs: readonly [least: number, most: number];
  /** Printed beside what was measured, and no reason to fail; undefined where nobody takes over. */
  readonly bounds: RecoveryBounds | undefined;
  /**
   * Runs in the harness. Starts the store and leaves it as an operator would before the first server.
   *
   * @param addresses `host:port` of each server, by its index, at which clients will reach it
   */
  prepare(terms: StressTerms, addresses: readonly string[]): Promise<PreparedStore>;
  /**
   * Runs in the process of a server, at each of its starts.
   *
   * @param config what {@link PreparedStore.configOf} made of this server
   * @param advertise `host:port` that clients reach it by
   */
  open(config: unknown, advertise: string, terms: StressTerms): Promise<ConsensusDriver>;
}

/** D of the runs: half of the default, so that a minute holds twice as many reigns. */
export const STRESS_TENURE_MS = 1_500;

/** ρ of the runs: the default. */
export const STRESS_DRIFT = 0.1;

/**
 * From a little more than a successor waits, D(1+ρ) and its poll, so that the paused leader has been replaced when it
 * wakes, to beyond the point at which it gives up by itself.
 */
export const TENURE_OUTAGE_MS: readonly [number, number] = [1.4 * STRESS_TENURE_MS, 2.4 * STRESS_TENURE_MS];

/** D(1+ρ) and the longest poll, D/10, and what clients are promised of a hand-over. */
export const TENURE_BOUNDS: RecoveryBounds = {
  crashMs: Math.round(STRESS_TENURE_MS * (1 + STRESS_DRIFT) + STRESS_TENURE_MS / 10),
  handOverMs: 500,
};

/** Why a driver without a store of its own has no faults of the store. */
export function withoutStore(
  reason: string,
): Pick<Record<FaultKind, string>, "store-kill" | "store-pause" | "store-cut"> {
  return { "store-kill": reason, "store-pause": reason, "store-cut": reason };
}
