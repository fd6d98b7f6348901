// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import type { FaultProxy } from "@tsoracle/test-services";
import type { FaultKind } from "../schedule.ts";

/** A real store that the harness has started, and each server's own way to it. */
export interface PreparedStore extends AsyncDisposable {
  /** What it is, for the report: program, place and number. */
  readonly about: string;
  /** What {@link StressDriver.open} is given in the process of a server; plain data. */
  configOf(server: number): unknown;
  /** Everything between that server and its store; none where a cut is refused. */
  proxiesOf(server: number): readonly FaultProxy[];
}

/** Everything that the harness knows about one driver. To add a driver, write one of these and name it in the table. */
export interface StressDriver {
  readonly name: string;
  /** How many servers share the store. */
  readonly servers: number;
  /** Faults that make no sense, with the reason. */
  readonly refuses: Readonly<Partial<Record<FaultKind, string>>>;
  /** The tenure that servers run with; undefined where leadership is exclusive and there is nothing to check. */
  readonly tenureMs: number | undefined;
  /** How long a pause or a cut lasts, in milliseconds. */
  readonly outageMs: readonly [least: number, most: number];
  /** Runs in the harness. */
  prepare(servers: number): Promise<PreparedStore>;
  /** Runs in the process of a server. `address` is what clients reach it by. */
  open(config: unknown, address: string): Promise<ConsensusDriver>;
}

/** D of the runs: half of the default, so that a minute holds twice as many reigns. */
export const STRESS_TENURE_MS = 1_500;

/**
 * From a little more than a successor waits, D(1+ρ) and its poll, so that the paused leader has been replaced when it
 * wakes, to beyond the point at which it gives up by itself.
 */
export const TENURE_OUTAGE_MS: readonly [number, number] = [1.4 * STRESS_TENURE_MS, 2.4 * STRESS_TENURE_MS];
