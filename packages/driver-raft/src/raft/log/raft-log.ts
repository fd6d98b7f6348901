// SPDX-License-Identifier: Apache-2.0
import { RaftPanic } from "../panic.ts";
import { type Entry, type EntryId, noEntries, noLimit, type Snapshot } from "../types.ts";
import { entsSize } from "./entry-size.ts";
import { ErrCompacted, ErrUnavailable, type LogError } from "./log-error.ts";
import type { Storage } from "./storage.ts";
import { type LogLine, Unstable } from "./unstable.ts";

/**
 * The log of one node: what is in the storage, followed by what is not durable yet, seen as one.
 *
 * Invariant: applied <= applying <= committed <= lastIndex. An entry is `applying` from the moment the host was told to
 * apply it, and `applied` once it reported that. Methods throw RaftPanic where only a defect can have led.
 */
export class RaftLog {
  readonly storage: Storage;
  readonly unstable: Unstable;
  /** The highest index known to be in the logs of a quorum. */
  committed: number;
  /** The highest index that the host was told to apply. */
  applying: number;
  applied: number;
  readonly #log: LogLine | undefined;
  readonly #maxApplyingEntsSize: number;
  #applyingEntsSize = 0;
  #applyingEntsPaused = false;

  /** @param maxApplyingEntsSize bytes of entries that may be handed out to be applied and are not yet */
  constructor(storage: Storage, log?: LogLine, maxApplyingEntsSize: number = noLimit) {
    this.storage = storage;
    this.#log = log;
    this.#maxApplyingEntsSize = maxApplyingEntsSize;
    const before = storage.firstIndex() - 1;
    this.unstable = new Unstable(storage.lastIndex() + 1, log);
    this.committed = before;
    this.applying = before;
    this.applied = before;
  }

  get maxApplyingEntsSize(): number {
    return this.#maxApplyingEntsSize;
  }

  firstIndex(): number {
    return this.unstable.maybeFirstIndex() ?? this.storage.firstIndex();
  }

  lastIndex(): number {
    return this.unstable.maybeLastIndex() ?? this.storage.lastIndex();
  }

  lastEntryId(): EntryId {
    const index = this.lastIndex();
    const term = this.term(index);
    if (typeof term !== "number") throw new RaftPanic(`the last entry, ${index}, has no term: ${term.message}`);
    return { term, index };
  }

  /** Known from the entry before the first one to the last one. */
  term(index: number): number | LogError {
    const unstable = this.unstable.maybeTerm(index);
    if (unstable !== undefined) return unstable;
    if (index + 1 < this.firstIndex()) return ErrCompacted;
    if (index > this.lastIndex()) return ErrUnavailable;
    return this.storage.term(index);
  }

  /** As `term`, and 0 where that is not known. */
  zeroTermOnOutOfBounds(index: number): number {
    const term = this.term(index);
    return typeof term === "number" ? term : 0;
  }

  matchTerm(id: EntryId): boolean {
    return this.term(id.index) === id.term;
  }

  /** Whether a log that ends in `theirs` holds everything that this one could have committed (`raft.md` E6, E7). */
  isUpToDate(theirs: EntryId): boolean {
    const own = this.lastEntryId();
    return theirs.term > own.term || (theirs.term === own.term && theirs.index >= own.index);
  }

  /**
   * Takes the entries that follow `prev` in the leader's log, if this log holds `prev`, and the commit index as far as
   * this log is then known to equal the leader's (`raft.md` E7, E8). What is here already is kept, whatever comes
   * behind it: an append that was overtaken must not cut off what was acknowledged since (P8).
   *
   * @returns the index of the last of the entries, or undefined if `prev` is not here
   */
  maybeAppend(prev: EntryId, entries: readonly Entry[], committed: number): number | undefined {
    if (!this.matchTerm(prev)) return undefined;
    const last = prev.index + entries.length;
    const conflict = this.findConflict(entries);
    if (conflict !== 0) {
      const first = conflict - (prev.index + 1);
      if (first < 0 || first >= entries.length) {
        throw new RaftPanic(`entries that follow ${prev.index} begin with ${entries[0]?.index}`);
      }
      this.append(first === 0 ? entries : entries.slice(first));
    }
    this.commitTo(Math.min(committed, last));
    return last;
  }

  /**
   * Appends, and replaces what is there from the first of the entries on; never what is committed (`raft.md` P8).
   *
   * @returns the last index
   */
  append(entries: readonly Entry[]): number {
    const first = entries[0];
    if (first === undefined) return this.lastIndex();
    if (first.index <= this.committed) {
      throw new RaftPanic(
        `an append is in conflict with committed entry ${first.index} (committed up to ${this.committed})`,
      );
    }
    this.unstable.truncateAndAppend(entries);
    return this.lastIndex();
  }

  /** The index of the first of the entries that is not in this log, as another one or because it is new; 0 for none. */
  findConflict(entries: readonly Entry[]): number {
    for (let i = 0; i < entries.length; i++) {
      const { index, term } = entries[i] as Entry;
      if (this.term(index) === term) continue;
      if (this.#log !== undefined && index <= this.lastIndex()) {
        const existing = this.zeroTermOnOutOfBounds(index);
        this.#log("INFO", `found conflict at index ${index} [existing term: ${existing}, conflicting term: ${term}]`);
      }
      return index;
    }
    return 0;
  }

  /**
   * The highest entry at or below `index` whose term is at most `term`: behind it the log cannot equal one that has
   * `term` at `index`, since terms never fall along a log (`raft.md` E7). Where the term is not known it is 0, and the
   * entry may match.
   */
  findConflictByTerm(index: number, term: number): EntryId {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (typeof own !== "number") return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.committed) return;
    const last = this.lastIndex();
    if (index > last) {
      throw new RaftPanic(
        `tocommit(${index}) is out of range [lastIndex(${last})]: was the log corrupted, truncated, or lost?`,
      );
    }
    this.committed = index;
  }

  /** Commits up to an entry that a quorum has, if it is this one: the term keeps older ones out (`raft.md` E8). */
  maybeCommit(id: EntryId): boolean {
    if (id.term === 0 || id.index <= this.committed || !this.matchTerm(id)) return false;
    this.commitTo(id.index);
    return true;
  }

  hasNextUnstableEnts(): boolean {
    return this.unstable.hasNextEntries();
  }

  /** What is to be written and was not handed out yet. */
  nextUnstableEnts(): readonly Entry[] {
    return this.unstable.nextEntries();
  }

  hasNextOrInProgressUnstableEnts(): boolean {
    return this.unstable.length > 0;
  }

  hasNextUnstableSnapshot(): boolean {
    return this.unstable.nextSnapshot() !== undefined;
  }

  nextUnstableSnapshot(): Snapshot | undefined {
    return this.unstable.nextSnapshot();
  }

  hasNextOrInProgressSnapshot(): boolean {
    return this.unstable.snapshot !== undefined;
  }

  /** Notes that everything unstable was handed out to be written. */
  acceptUnstable(): void {
    this.unstable.acceptInProgress();
  }

  stableTo(id: EntryId): void {
    this.unstable.stableTo(id);
  }

  stableSnapTo(index: number): void {
    this.unstable.stableSnapTo(index);
  }

  hasNextCommittedEnts(allowUnstable: boolean): boolean {
    if (this.#applyingEntsPaused || this.hasNextOrInProgressSnapshot()) return false;
    return this.applying < this.#maxAppliableIndex(allowUnstable);
  }

  /**
   * What is committed and was not handed out to be applied, as much as fits what may be on the way. With
   * `allowUnstable` also entries that are not durable here yet, which a quorum has all the same (`raft.md` P6).
   */
  nextCommittedEnts(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommittedEnts(allowUnstable)) return noEntries;
    const maxSize = this.#maxApplyingEntsSize - this.#applyingEntsSize;
    if (maxSize <= 0) throw new RaftPanic(`applying entry size leaves no room: ${maxSize}`);
    const found = this.slice(this.applying + 1, this.#maxAppliableIndex(allowUnstable) + 1, maxSize);
    if ("code" in found) throw new RaftPanic(`unexpected error when getting unapplied entries (${found.message})`);
    return found;
  }

  /**
   * Notes that the host was told to apply up to `index`, `size` bytes more than before. Handing out pauses when the
   * limit is reached, or when the last hand-out was cut short by it: then the next entry does not fit.
   */
  acceptApplying(index: number, size: number, allowUnstable: boolean): void {
    if (index > this.committed) {
      throw new RaftPanic(
        `applying(${index}) is out of range [prevApplying(${this.applying}), committed(${this.committed})]`,
      );
    }
    this.applying = index;
    this.#applyingEntsSize += size;
    this.#applyingEntsPaused =
      this.#applyingEntsSize >= this.#maxApplyingEntsSize || index < this.#maxAppliableIndex(allowUnstable);
  }

  /** Notes that the host has applied up to `index`, `size` bytes more than before. */
  appliedTo(index: number, size: number): void {
    if (index > this.committed || index < this.applied) {
      throw new RaftPanic(
        `applied(${index}) is out of range [prevApplied(${this.applied}), committed(${this.committed})]`,
      );
    }
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingEntsSize = Math.max(0, this.#applyingEntsSize - size);
    this.#applyingEntsPaused = this.#applyingEntsSize >= this.#maxApplyingEntsSize;
  }

  snapshot(): Snapshot | LogError {
    return this.unstable.snapshot ?? this.storage.snapshot();
  }

  /** Replaces the whole log by a snapshot, which is committed by its nature (`raft.md` E11). */
  restore(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    this.#log?.("INFO", `log [${this}] starts to restore snapshot [index: ${index}, term: ${term}]`);
    if (index <= this.committed) {
      throw new RaftPanic(`snapshot ${index} is not above what is committed, ${this.committed}`);
    }
    this.committed = index;
    this.unstable.restore(snapshot);
  }

  /** Entries from `from` to the end that fit into `maxSize` bytes, at least one if there is one. */
  entries(from: number, maxSize: number): readonly Entry[] | LogError {
    const last = this.lastIndex();
    return from > last ? noEntries : this.slice(from, last + 1, maxSize);
  }

  /** Entries in [lo, hi) that fit into `maxSize` bytes, at least one unless lo = hi. */
  slice(lo: number, hi: number, maxSize: number): readonly Entry[] | LogError {
    if (lo > hi) throw new RaftPanic(`invalid slice ${lo} > ${hi}`);
    if (lo < this.firstIndex()) return ErrCompacted;
    if (hi > this.lastIndex() + 1) {
      throw new RaftPanic(`slice[${lo},${hi}) out of bound [${this.firstIndex()},${this.lastIndex()}]`);
    }
    if (lo === hi) return noEntries;
    const { offset } = this.unstable;
    if (lo >= offset) return this.unstable.slice(lo, hi, maxSize);
    const cut = Math.min(hi, offset);
    const stable = this.storage.entries(lo, cut, maxSize);
    if ("code" in stable) {
      if (stable.code === "compacted") return stable;
      throw new RaftPanic(`entries[${lo}:${cut}) cannot be had from storage: ${stable.message}`);
    }
    if (hi <= offset || stable.length < cut - lo) return stable;
    if (maxSize === noLimit) return stable.concat(this.unstable.slice(offset, hi, noLimit));
    const room = maxSize - entsSize(stable);
    if (room <= 0) return stable;
    const rest = this.unstable.slice(offset, hi, room);
    // The first one always comes back, but here it would exceed the limit without need.
    return rest.length === 1 && entsSize(rest) > room ? stable : stable.concat(rest);
  }

  /**
   * Calls `visit` with one part after the other of [lo, hi), each of at most `pageSize` bytes, until it returns false:
   * the whole of it need not fit into memory.
   */
  scan(lo: number, hi: number, pageSize: number, visit: (page: readonly Entry[]) => boolean): LogError | undefined {
    let at = lo;
    while (at < hi) {
      const page = this.slice(at, hi, pageSize);
      if ("code" in page) return page;
      if (page.length === 0) throw new RaftPanic(`got 0 entries in [${at}, ${hi})`);
      if (!visit(page)) return undefined;
      at += page.length;
    }
    return undefined;
  }

  /** Whether any entry in [lo, hi) fulfils the condition. All of them must be there. */
  some(lo: number, hi: number, condition: (entry: Entry) => boolean): boolean {
    let found = false;
    const error = this.scan(lo, hi, this.#maxApplyingEntsSize, (page) => {
      found = page.some(condition);
      return !found;
    });
    if (error !== undefined) throw new RaftPanic(`error scanning entries [${lo}, ${hi}): ${error.message}`);
    return found;
  }

  /** As upstream's log lines show it. */
  toString(): string {
    const { offset, offsetInProgress, length } = this.unstable;
    return (
      `committed=${this.committed}, applied=${this.applied}, applying=${this.applying}, unstable.offset=${offset}, ` +
      `unstable.offsetInProgress=${offsetInProgress}, len(unstable.Entries)=${length}`
    );
  }

  #maxAppliableIndex(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }
}
