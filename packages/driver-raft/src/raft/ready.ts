// SPDX-License-Identifier: Apache-2.0
import type { Entry, HardState, Message, ReadState, Snapshot, SoftState } from "./types.ts";

/**
 * What the host has to do next, in this order: make `hardState`, `entries` and `snapshot` durable (one batch, `raft.md`
 * P1), send `messages`, apply `snapshot` and then `committedEntries`, and call `advance`.
 *
 * Messages must not leave before the batch is durable; the one exception is `MsgApp` (P7). With asynchronous storage
 * writes the batch is spelled out a second time as `MsgStorageAppend` and `MsgStorageApply` among the messages; then
 * their responses take the place of `advance`, and all other messages may leave at once.
 *
 * Nothing in it is written to by the core after it was handed out.
 */
export interface Ready {
  /** Only if it changed. */
  softState: SoftState | undefined;
  /** `emptyHardState` if it did not change. */
  hardState: HardState;
  /** Reads that may be answered once their index is applied. */
  readStates: readonly ReadState[];
  /** To be made durable. */
  entries: readonly Entry[];
  /** To be made durable and restored; `emptySnapshot` if there is none. */
  snapshot: Snapshot;
  /** To be applied. Durable locally already, unless they are also in `entries` of this or an unfinished Ready. */
  committedEntries: readonly Entry[];
  messages: readonly Message[];
  /** Whether something must be durable: entries, or a new term or vote. A new commit index alone may be lazy (P5). */
  mustSync: boolean;
}

/** Whether the change between two hard states, or new entries, needs a sync before anything is answered. */
export function mustSync(state: HardState, previous: HardState, newEntries: number): boolean {
  return newEntries !== 0 || state.vote !== previous.vote || state.term !== previous.term;
}
