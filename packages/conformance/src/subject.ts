// SPDX-License-Identifier: Apache-2.0

import type { ConsensusDriver, DriverCapabilities } from "@tsoracle/consensus";
import type { SeqKey } from "@tsoracle/core";
import type { ClauseId } from "./clause-id.ts";

/** Ends a fault that lasts. Calling it twice is calling it once. */
export type Release = () => void | Promise<void>;

/** Faults that a harness can inject into one universe. Those it has, it lists in {@link Subject.faults}. */
export interface Faults {
  /**
   * Drops an open node without closing it, as if its process had died; only durable state survives.
   * Its driver is not used again: `open` the node for a new one.
   */
  crash(node: number): Promise<void>;
  /** Lets the next write of a node commit and loses the answer. */
  loseReply(node: number): Promise<void>;
  /** Holds the writes of a node, begun from now on, until released; then they reach the store, late. */
  stall(node: number): Promise<Release>;
  /** Makes an open node the leader, in a new epoch. Resolves when the node's own stream can say so. */
  elect(node: number): Promise<void>;
  /**
   * Cuts the connections between groups of nodes until released. A store that is not itself a node
   * stays with the first group. If that cuts off the leader, a node of the first group becomes leader without help.
   */
  partition(groups: readonly (readonly number[])[]): Promise<Release>;
  /**
   * Puts a sequence counter at a value, as if it had been advanced that far: no caller could in a
   * lifetime. Called while no node is open.
   */
  setSequence(key: SeqKey, next: bigint): Promise<void>;
  /**
   * Takes everything away that store `0 <= store < stores` keeps for this universe, and puts the store back, empty and
   * admitted by nobody. Where the stores are the nodes themselves, an open node is crashed by it.
   */
  wipe(store: number): Promise<void>;
}

export type FaultName = keyof Faults;

/**
 * One isolated durable history, which nodes open, close, crash and open again.
 *
 * While at least one node is open, some open node becomes leader without help. Where there are
 * several, each has a client endpoint of its own for followers to name. Disposal closes whatever is
 * open and removes whatever was made.
 */
export interface Universe extends AsyncDisposable {
  /**
   * Opens node `0 <= node < nodes`. Again, after a crash or a disposal: a restart. Again while it is open: what a
   * second process would do; only drivers whose `realTimeOrder` is `exclusive` are asked for it, and must refuse.
   */
  open(node: number): Promise<ConsensusDriver>;
  readonly faults: Partial<Faults>;
}

/** A driver, and the means to test it. */
export interface Subject {
  /** Names the driver in reports: "file", "postgres", ... */
  readonly name: string;
  /** The constant that the driver's package exports. */
  readonly capabilities: DriverCapabilities;
  /** How many nodes a universe has. */
  readonly nodes: 1 | 3 | 5;
  /** The faults that every universe of this subject offers. */
  readonly faults: readonly FaultName[];
  /**
   * How many stores keep the history, if the loss of a minority of them must cost nothing; 1 if there is one, whose
   * loss is no matter of the driver's. Names what `wipe` takes. @defaultValue 1
   */
  readonly stores?: number;
  /** Whether the driver has `resign()`. @defaultValue false */
  readonly resigns?: boolean;
  /** The store's cap on sequence keys; a small one keeps the run short. @defaultValue 10000 */
  readonly seqKeyCap?: number;
  /** Longest that a call may take while its store stalls, in milliseconds. @defaultValue 5000 */
  readonly callTimeoutMs?: number;
  /** Makes a new, empty history. Two provisions never share anything, even with equal seeds. */
  provision(seed: number): Promise<Universe>;
  /** Clauses that the driver is known to break, with the reason. One that passes fails the run. */
  readonly gaps?: Partial<Record<ClauseId, string>>;
  /** Faults that the harness cannot inject, with the reason. */
  readonly waivers?: Partial<Record<FaultName, string>>;
}

/** The part of a test runner that the kit needs: vitest and `node:test` have it. */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}
