// SPDX-License-Identifier: Apache-2.0
import type { LogError } from "../../src/raft/log/log-error.ts";
import { MemoryStorage } from "../../src/raft/log/memory-storage.ts";
import { RaftLog } from "../../src/raft/log/raft-log.ts";
import { type ConfState, type Entry, emptyConfState, newEntry, noLimit, type Snapshot } from "../../src/raft/types.ts";

/** Entries with these terms, from index `from` on. */
export function entriesOf(from: number, ...terms: number[]): Entry[] {
  return terms.map((term, i) => newEntry({ index: from + i, term }));
}

export function snapshotOf(index: number, term: number, confState: ConfState = emptyConfState): Snapshot {
  return { data: new Uint8Array(0), metadata: { index, term, confState } };
}

export interface LogShape {
  /** Index and term that the durable part begins behind. */
  readonly base?: { readonly index: number; readonly term: number };
  readonly stable?: readonly number[];
  readonly unstable?: readonly number[];
  readonly committed?: number;
  readonly maxApplyingEntsSize?: number;
}

/** A log whose durable and whose unstable part hold entries of these terms. */
export function logOf(shape: LogShape): RaftLog {
  const storage = new MemoryStorage();
  const base = shape.base ?? { index: 0, term: 0 };
  if (base.index > 0) storage.applySnapshot(snapshotOf(base.index, base.term));
  storage.append(entriesOf(base.index + 1, ...(shape.stable ?? [])));
  const log = new RaftLog(storage, undefined, shape.maxApplyingEntsSize ?? noLimit);
  log.append(entriesOf(storage.lastIndex() + 1, ...(shape.unstable ?? [])));
  log.commitTo(shape.committed ?? 0);
  return log;
}

/** `index/term` of each entry, or the code of the error. */
export function shown(entries: readonly Entry[] | LogError): string {
  return "code" in entries ? entries.code : entries.map((entry) => `${entry.index}/${entry.term}`).join(" ");
}

/** All entries that are still there. */
export function allOf(log: RaftLog): string {
  return shown(log.entries(log.firstIndex(), noLimit));
}
