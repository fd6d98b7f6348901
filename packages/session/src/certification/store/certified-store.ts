// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";

/** Ends what was done to a store. */
export type Relief = () => void | Promise<void>;

/** A real store, and what can be done to it. */
export interface CertifiedStore {
  /** For reports. */
  readonly name: string;
  /**
   * The journal of a node, from 0 to 7. A store that one process has gives the same to all. They stay open: whoever
   * certifies closes them.
   */
  journal(node: number): FencedJournal | Promise<FencedJournal>;
  /** Makes every call of every node slow until it is relieved. */
  readonly slowDown?: () => Relief | Promise<Relief>;
  /** Cuts node 0 off from the store until it is relieved; the others reach it. */
  readonly cutOff?: () => Relief | Promise<Relief>;
}

export interface CertificationOptions {
  /** Goes before the ids of all sessions: two runs on one store must not share it. */
  readonly runId: string;
  /** Milliseconds for what is measured. @defaultValue a monotonic clock */
  readonly nowMs?: (() => number) | undefined;
}
