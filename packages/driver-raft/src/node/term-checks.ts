// SPDX-License-Identifier: Apache-2.0
import type { Ready } from "../raft/ready.ts";
import { type Entry, isEmptyHardState } from "../raft/types.ts";
import type { RaftStorage } from "../storage/storage.ts";

/** The entry with which a term begins. */
export function isNoopOf(entry: Entry, term: number): boolean {
  return entry.type === "EntryNormal" && entry.data.length === 0 && entry.term === term;
}

/** Whether the term that the messages carry is durable already. */
export function isTermDurable({ hardState }: Ready, storage: RaftStorage): boolean {
  return isEmptyHardState(hardState) || hardState.term === storage.initialState().hardState.term;
}
