// SPDX-License-Identifier: Apache-2.0
import type { ConfState, Entry, HardState, Snapshot } from "../types.ts";
import type { LogError } from "./log-error.ts";

export interface InitialState {
  readonly hardState: HardState;
  readonly confState: ConfState;
}

/**
 * What is durable, as the core reads it. The core never writes to it: the host does, from what `Ready` holds. All calls
 * are synchronous, and nothing changes the storage during a step of the core (`raft.md` N5). What a method throws is
 * fatal for the node.
 */
export interface Storage {
  /** What was saved last; read once, when a node starts. */
  initialState(): InitialState;
  /**
   * Entries in [lo, hi): as many as fit into `maxSize` bytes, at least one. The array belongs to the caller, who may
   * keep it, and is not changed later.
   */
  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogError;
  /** For `firstIndex() - 1` to `lastIndex()`: the entry before the first is gone, but its term is still known. */
  term(index: number): number | LogError;
  /** The index of the first entry that is still there; after a snapshot without entries the one behind it. */
  firstIndex(): number;
  lastIndex(): number;
  /** The newest snapshot, for a follower that is too far behind. */
  snapshot(): Snapshot | LogError;
}
