// SPDX-License-Identifier: Apache-2.0
import { RaftPanic } from "../panic.ts";
import { type Entry, type EntryId, noEntries, type Snapshot } from "../types.ts";
import { fitting } from "./entry-size.ts";

/** Receives lines for people who look into a run; nothing depends on them. */
export type LogLine = (level: "DEBUG" | "INFO", text: string) => void;

/**
 * The end of the log that is not known to be durable yet: maybe a snapshot, then entries from `offset` on. What was
 * handed out to be written, up to `offsetInProgress`, is kept until the write is reported, because until then nothing
 * that was promised may rest on it (`raft.md` P2, P6). Arrays that leave this class are copies.
 */
export class Unstable {
  #snapshot: Snapshot | undefined;
  #snapshotInProgress = false;
  readonly #entries: Entry[] = [];
  #offset: number;
  #offsetInProgress: number;
  readonly #log: LogLine | undefined;

  /** @param offset the index behind the last durable entry */
  constructor(offset: number, log?: LogLine) {
    this.#offset = offset;
    this.#offsetInProgress = offset;
    this.#log = log;
  }

  /** The index of the first entry in here; entries below are in the storage. */
  get offset(): number {
    return this.#offset;
  }

  /** Entries below were handed out to be written. */
  get offsetInProgress(): number {
    return this.#offsetInProgress;
  }

  get length(): number {
    return this.#entries.length;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get snapshotInProgress(): boolean {
    return this.#snapshotInProgress;
  }

  /** The first index of the log, if it follows from a snapshot in here. */
  maybeFirstIndex(): number | undefined {
    return this.#snapshot === undefined ? undefined : this.#snapshot.metadata.index + 1;
  }

  /** The last index of the log, if it is in here. */
  maybeLastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.#offset + this.#entries.length - 1;
    return this.#snapshot?.metadata.index;
  }

  /** The term at an index that is in here, entry or snapshot. */
  maybeTerm(index: number): number | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    const metadata = this.#snapshot?.metadata;
    return metadata?.index === index ? metadata.term : undefined;
  }

  hasNextEntries(): boolean {
    return this.#entries.length > this.#offsetInProgress - this.#offset;
  }

  /** What is still to be handed out to be written. */
  nextEntries(): readonly Entry[] {
    return this.hasNextEntries() ? this.#entries.slice(this.#offsetInProgress - this.#offset) : noEntries;
  }

  /** The snapshot, if it is still to be handed out to be written. */
  nextSnapshot(): Snapshot | undefined {
    return this.#snapshotInProgress ? undefined : this.#snapshot;
  }

  /** Notes everything in here as handed out. */
  acceptInProgress(): void {
    this.#offsetInProgress = this.#offset + this.#entries.length;
    if (this.#snapshot !== undefined) this.#snapshotInProgress = true;
  }

  /**
   * Lets go of the entries up to one that is durable now. Ignored if that entry is not the one in here any more: the
   * write of an entry that was overwritten meanwhile says nothing about its successor, not even if the overwritten
   * one came back under another term (A, B, A).
   */
  stableTo(id: EntryId): void {
    const term = this.maybeTerm(id.index);
    if (term === undefined) {
      this.#log?.("INFO", `entry at index ${id.index} missing from unstable log; ignoring`);
      return;
    }
    if (id.index < this.#offset) {
      this.#log?.("INFO", `entry at index ${id.index} matched unstable snapshot; ignoring`);
      return;
    }
    if (term !== id.term) {
      this.#log?.(
        "INFO",
        `entry at (index,term)=(${id.index},${id.term}) mismatched with entry at (${id.index},${term})`,
      );
      return;
    }
    const count = id.index + 1 - this.#offset;
    this.#entries.copyWithin(0, count);
    this.#entries.length -= count;
    this.#offset = id.index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#offset);
  }

  stableSnapTo(index: number): void {
    if (this.#snapshot?.metadata.index !== index) return;
    this.#snapshot = undefined;
    this.#snapshotInProgress = false;
  }

  /** Forgets everything and begins again with a snapshot that came from the leader. */
  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.metadata.index + 1;
    this.#offsetInProgress = this.#offset;
    this.#entries.length = 0;
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Appends; entries from the first new index on are replaced, and have to be written again (`raft.md` P8). */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index;
    const end = this.#offset + this.#entries.length;
    if (from > end) throw new RaftPanic(`a gap: entry ${from} cannot follow entry ${end - 1}`);
    if (from <= this.#offset) {
      if (this.#entries.length > 0 || from < this.#offset) {
        this.#log?.("INFO", `replace the unstable entries from index ${from}`);
      }
      this.#entries.length = 0;
      this.#offset = from;
      this.#offsetInProgress = from;
    } else if (from < end) {
      this.#log?.("INFO", `truncate the unstable entries before index ${from}`);
      this.#entries.length = from - this.#offset;
      this.#offsetInProgress = Math.min(this.#offsetInProgress, from);
    }
    for (let i = 0; i < entries.length; i++) this.#entries.push(entries[i] as Entry);
  }

  /** Entries in [lo, hi) that fit into `maxSize` bytes, at least one. */
  slice(lo: number, hi: number, maxSize: number): readonly Entry[] {
    const end = this.#offset + this.#entries.length;
    if (lo > hi || lo < this.#offset || hi > end) {
      throw new RaftPanic(`[${lo}, ${hi}) is out of bounds, [${this.#offset}, ${end}) is unstable`);
    }
    const from = lo - this.#offset;
    return this.#entries.slice(from, from + fitting(this.#entries, from, hi - this.#offset, maxSize));
  }
}
