// SPDX-License-Identifier: Apache-2.0
import { RaftPanic } from "../panic.ts";
import {
  type ConfState,
  type Entry,
  emptyHardState,
  emptySnapshot,
  type HardState,
  newEntry,
  type Snapshot,
} from "../types.ts";
import { fitting } from "./entry-size.ts";
import { ErrCompacted, ErrSnapOutOfDate, ErrUnavailable, type LogError } from "./log-error.ts";
import type { InitialState, Storage } from "./storage.ts";

/** A storage for tests and simulations: it keeps nothing over a restart. */
export class MemoryStorage implements Storage {
  #hardState: HardState = emptyHardState;
  #snapshot: Snapshot = emptySnapshot;
  // The first is no entry: it holds index and term of the last one that was compacted.
  #entries: Entry[] = [newEntry()];

  initialState(): InitialState {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  setHardState(state: HardState): void {
    this.#hardState = { ...state };
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogError {
    const offset = this.#offset();
    if (lo <= offset) return ErrCompacted;
    if (hi > this.lastIndex() + 1) {
      throw new RaftPanic(`entries up to ${hi} were asked for, the last is ${this.lastIndex()}`);
    }
    if (this.#entries.length === 1) return ErrUnavailable;
    const from = lo - offset;
    return this.#entries.slice(from, from + fitting(this.#entries, from, hi - offset, maxSize));
  }

  term(index: number): number | LogError {
    const at = index - this.#offset();
    if (at < 0) return ErrCompacted;
    return this.#entries[at]?.term ?? ErrUnavailable;
  }

  firstIndex(): number {
    return this.#offset() + 1;
  }

  lastIndex(): number {
    return this.#offset() + this.#entries.length - 1;
  }

  snapshot(): Snapshot | LogError {
    return this.#snapshot;
  }

  /** Replaces everything by a snapshot; not by one at or below the present one. */
  applySnapshot(snapshot: Snapshot): LogError | undefined {
    const { index, term } = snapshot.metadata;
    if (this.#snapshot.metadata.index >= index) return ErrSnapOutOfDate;
    this.#snapshot = snapshot;
    this.#entries = [newEntry({ index, term })];
    return undefined;
  }

  /** Makes the snapshot at `index`; the log stays as it is. Without a configuration, the last one is kept. */
  createSnapshot(index: number, confState: ConfState | undefined, data: Uint8Array): Snapshot | LogError {
    if (index <= this.#snapshot.metadata.index) return ErrSnapOutOfDate;
    const term = this.term(index);
    if (typeof term !== "number") throw new RaftPanic(`no snapshot can be made at ${index}: ${term.message}`);
    const kept = confState ?? this.#snapshot.metadata.confState;
    this.#snapshot = { data, metadata: { index, term, confState: kept } };
    return this.#snapshot;
  }

  /** Forgets the entries up to and including `index`. */
  compact(index: number): LogError | undefined {
    const at = index - this.#offset();
    if (at <= 0) return ErrCompacted;
    const entry = this.#entries[at];
    if (entry === undefined) throw new RaftPanic(`cannot compact up to ${index}, the last is ${this.lastIndex()}`);
    this.#entries = [newEntry({ index, term: entry.term }), ...this.#entries.slice(at + 1)];
    return undefined;
  }

  /** Appends, and replaces what is there from the first of the entries on. Compacted ones are left out. */
  append(entries: readonly Entry[]): void {
    const skip = Math.max(0, this.firstIndex() - (entries[0]?.index ?? 0));
    const first = entries[skip];
    if (first === undefined) return;
    const at = first.index - this.#offset();
    if (at > this.#entries.length) {
      throw new RaftPanic(`a gap: the last entry is ${this.lastIndex()}, and ${first.index} is to be appended`);
    }
    this.#entries.length = at;
    for (let i = skip; i < entries.length; i++) this.#entries.push(entries[i] as Entry);
  }

  #offset(): number {
    return (this.#entries[0] as Entry).index;
  }
}
