// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import type { PreparedStore } from "../../drivers/stress-driver.ts";
import type { FaultKind } from "../../schedule.ts";

/** What the harness has started for the workers. A worker is what `configOf` and `linksOf` call a server. */
export interface PreparedSessionStore extends PreparedStore {
  /** What the store is opened with to judge it: past the proxies. */
  readonly directConfig: unknown;
}

/** Everything that the harness knows about one store of sessions. */
export interface SessionStressStore {
  readonly name: string;
  /** How many processes share it. */
  readonly workers: number;
  /** Faults that make no sense, with the reason. Whoever asks for one is told it. */
  readonly refuses: Readonly<Partial<Record<FaultKind, string>>>;
  /** Runs in the harness. Starts the store and leaves it as an operator would before the first worker. */
  prepare(): Promise<PreparedSessionStore>;
  /**
   * Runs in the process of a worker, at each of its starts, and in the harness when all is over.
   *
   * @param config what `configOf` made of this worker, or `directConfig`
   */
  open(config: unknown): Promise<FencedJournal>;
}

/** How long a call of a store may take: short beside a fault, so that writes of unknown outcome come up in a run. */
export const STORE_CALL_MS = 3_000;
