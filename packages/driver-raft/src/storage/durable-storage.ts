// SPDX-License-Identifier: Apache-2.0
import type { LogError } from "../raft/log/log-error.ts";
import type { ConfState, Entry, HardState, Snapshot } from "../raft/types.ts";
import { type Directory, replaceWhole } from "./device.ts";
import type { DirectoryLock } from "./lock.ts";
import { LogState } from "./log-state.ts";
import { ENTRY_HEAD_BYTES, type Payload, type SnapshotMark } from "./payload.ts";
import { MAX_RECORD_PAYLOAD_BYTES } from "./record.ts";
import { sealOf } from "./sealed.ts";
import { encodeSnapshot, snapshotName, snapshotPosition, snapshotProblem } from "./snapshot-file.ts";
import type { Identity, RaftStorage, StorageBatch } from "./storage.ts";
import { reasonOf, StorageError } from "./storage-error.ts";
import type { WalWriter } from "./wal-writer.ts";

/** The most that one entry may carry. */
export const MAX_ENTRY_DATA_BYTES: number = MAX_RECORD_PAYLOAD_BYTES - ENTRY_HEAD_BYTES;

const SNAPSHOTS_KEPT = 2;

/** The most that an entry takes in a message beside its data. */
const ENTRY_WIRE_BYTES = 25;

const compacted: LogError = Object.freeze({ code: "compacted", message: "the log does not reach back to that index" });
const unavailable: LogError = Object.freeze({ code: "unavailable", message: "the log does not reach that index yet" });

interface Parts {
  readonly directory: Directory;
  readonly identity: Identity;
  readonly wal: WalWriter;
  readonly snapshot: Snapshot;
  readonly lock: DirectoryLock | undefined;
  readonly incarnation: string;
}

type Life =
  | { readonly state: "open" }
  | { readonly state: "closed" }
  | { readonly state: "poisoned"; readonly fault: unknown };

/** The storage on a directory that was opened and mended. Made by `openStorage`; counts the start when it is made. */
export class DurableStorage implements RaftStorage {
  readonly identity: Identity;
  readonly incarnation: string;
  readonly #directory: Directory;
  readonly #wal: WalWriter;
  readonly #lock: DirectoryLock | undefined;
  #snapshot: Snapshot;
  /** The newest, which may be ahead of the disk by a commit index (P5). */
  #hardState: HardState;
  #life: Life = { state: "open" };

  constructor({ directory, identity, wal, snapshot, lock, incarnation }: Parts) {
    this.#directory = directory;
    this.identity = identity;
    this.incarnation = incarnation;
    this.#wal = wal;
    this.#snapshot = snapshot;
    this.#lock = lock;
    this.#hardState = wal.state.hardState;
    this.#write([{ type: "boot", bootCount: wal.state.bootCount + 1, incarnation }], this.#hardState);
  }

  get bootCount(): number {
    return this.#wal.state.bootCount;
  }

  get durableBatch(): number {
    return this.#wal.durableBatch;
  }

  get logBytes(): number {
    return this.#wal.logBytes;
  }

  /** The commit index is at least that of the snapshot: what a snapshot holds was committed. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    this.#checkOpen();
    const { term, vote, commit } = this.#hardState;
    const { confState, index } = this.#snapshot.metadata;
    return { hardState: { term, vote, commit: Math.max(commit, index) }, confState };
  }

  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogError {
    this.#checkOpen();
    const { firstIndex, lastIndex } = this.#wal.state;
    if (lo < firstIndex) return compacted;
    if (hi > lastIndex + 1) return unavailable;
    const all = this.#wal.state.slice(lo, hi);
    let size = 0;
    const count = all.findIndex(({ data }, index) => {
      size += ENTRY_WIRE_BYTES + data.length;
      return size > maxSize && index > 0;
    });
    return count === -1 ? all : all.slice(0, count);
  }

  term(index: number): number | LogError {
    this.#checkOpen();
    const term = this.#wal.state.term(index);
    if (term !== undefined) return term;
    return index < this.#wal.state.firstIndex ? compacted : unavailable;
  }

  firstIndex(): number {
    this.#checkOpen();
    return this.#wal.state.firstIndex;
  }

  lastIndex(): number {
    this.#checkOpen();
    return this.#wal.state.lastIndex;
  }

  snapshot(): Snapshot {
    this.#checkOpen();
    return this.#snapshot;
  }

  append({ hardState, entries = [], snapshot }: StorageBatch): number {
    this.#checkOpen();
    const next = hardState === undefined || isUnset(hardState) ? this.#hardState : hardState;
    for (const entry of entries) checkEntry(entry);
    const install = snapshot !== undefined && snapshot.metadata.index !== 0 ? snapshot : undefined;
    if (install === undefined && entries.length === 0) {
      const { term, vote } = this.#hardState;
      if (next.term === term && next.vote === vote) return this.#rememberCommit(next);
    }
    if (install === undefined) return this.#write(this.#entryPayloads(entries), next);
    checkSnapshot(install);
    return this.#install(install, entries, next);
  }

  createSnapshot(request: {
    readonly index: number;
    readonly confState: ConfState;
    readonly data: Uint8Array;
  }): Snapshot {
    this.#checkOpen();
    const { index, confState, data } = request;
    const { commit } = this.initialState().hardState;
    const term = this.#wal.state.term(index);
    if (index <= this.#snapshot.metadata.index || index > commit || term === undefined) {
      throw invalid(
        `expected a snapshot above index ${this.#snapshot.metadata.index} and up to commit index ${commit}, got ${index}`,
      );
    }
    const snapshot: Snapshot = { data: Uint8Array.from(data), metadata: { confState, index, term } };
    checkSnapshot(snapshot);
    const mark = this.#guard(() => this.#writeSnapshot(snapshot));
    this.#write([{ type: "snapshot", mark, install: false }], this.#hardState);
    this.#guard(() => this.#dropSnapshots());
    this.#snapshot = snapshot;
    return snapshot;
  }

  compact(index: number): void {
    this.#checkOpen();
    if (index > this.#snapshot.metadata.index) {
      throw invalid(`expected to compact up to the snapshot at ${this.#snapshot.metadata.index}, got ${index}`);
    }
    this.#wal.state.compact(index);
    this.#guard(() => this.#wal.dropSegments(index));
  }

  close(): void {
    if (this.#life.state !== "open") return;
    this.#life = { state: "closed" };
    this.#wal.close();
    this.#lock?.release();
  }

  #rememberCommit(next: HardState): number {
    const { commit } = this.#hardState;
    if (next.commit < commit || next.commit > this.#wal.state.lastIndex) {
      throw invalid(`expected a commit index from ${commit} to ${this.#wal.state.lastIndex}, got ${next.commit}`);
    }
    this.#hardState = { ...next };
    return this.durableBatch;
  }

  #entryPayloads(entries: readonly Entry[]): Payload[] {
    const payloads: Payload[] = entries.map((entry) => ({ type: "entry", entry }));
    const from = entries[0]?.index;
    const { lastIndex } = this.#wal.state;
    if (from === undefined || from > lastIndex) return payloads;
    const previousTerm = this.#wal.state.term(from - 1);
    if (previousTerm === undefined)
      throw invalid(`expected entries above index ${this.#wal.state.firstIndex - 1}, got ${from}`);
    return [{ type: "overwrite", from, previousTerm }, ...payloads];
  }

  #install(snapshot: Snapshot, entries: readonly Entry[], hardState: HardState): number {
    const { index, term } = snapshot.metadata;
    const payloads = entries.map((entry): Payload => ({ type: "entry", entry }));
    // Planned once without the file's checksum, so that nothing at all is written for a batch that is refused.
    this.#plan([{ type: "snapshot", mark: { index, term, crc: 0 }, install: true }, ...payloads], hardState);
    const mark = this.#guard(() => this.#writeSnapshot(snapshot));
    const batch = this.#write([{ type: "snapshot", mark, install: true }, ...payloads], hardState);
    this.#guard(() => this.#dropSnapshots());
    this.#snapshot = snapshot;
    return batch;
  }

  #plan(payloads: readonly Payload[], hardState: HardState): ReturnType<WalWriter["plan"]> {
    // What is committed binds the plan, also where the disk does not know of it yet.
    const shadow = new LogState({ ...this.#wal.state.base(), hardState: this.#hardState });
    return this.#wal.plan([...payloads, { type: "hard_state", hardState }], shadow);
  }

  #write(payloads: readonly Payload[], hardState: HardState): number {
    const planned = this.#plan(payloads, hardState);
    const batch = this.#guard(() => {
      this.#lock?.check();
      return this.#wal.persist(planned);
    });
    this.#hardState = this.#wal.state.hardState;
    return batch;
  }

  /** File, sync, rename, sync of the directory; the record that relies on it comes after (P5). */
  #writeSnapshot(snapshot: Snapshot): SnapshotMark {
    const { index, term } = snapshot.metadata;
    const bytes = encodeSnapshot({ clusterId: this.identity.clusterId, snapshot });
    replaceWhole(this.#directory, snapshotName(index, term), bytes);
    return { index, term, crc: sealOf(bytes) };
  }

  #dropSnapshots(): void {
    const old = this.#directory
      .list()
      .filter((name) => snapshotPosition(name) !== undefined)
      .sort()
      .slice(0, -SNAPSHOTS_KEPT);
    if (old.length === 0) return;
    for (const name of old) this.#directory.remove(name);
    this.#directory.sync();
  }

  /** P9: after the first failure nothing that the system says can be believed any more. */
  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#life = { state: "poisoned", fault: error };
      throw new StorageError(
        "io",
        `writing the raft storage ${this.#directory.path} failed: ${reasonOf(error)}. What is on disk is unknown to this ` +
          "process, which must end; the next start finds out",
        { cause: error },
      );
    }
  }

  #checkOpen(): void {
    switch (this.#life.state) {
      case "open":
        return;
      case "closed":
        throw new StorageError("closed", `the raft storage ${this.#directory.path} is closed`);
      case "poisoned":
        throw new StorageError(
          "poisoned",
          `an earlier write of the raft storage ${this.#directory.path} failed: ${reasonOf(this.#life.fault)}. This process must end`,
          { cause: this.#life.fault },
        );
      default:
        this.#life satisfies never;
    }
  }
}

function isUnset({ term, vote, commit }: HardState): boolean {
  return term === 0 && vote === 0 && commit === 0;
}

function checkEntry({ index, term, data }: Entry): void {
  if (!Number.isSafeInteger(index) || index < 1 || !Number.isSafeInteger(term) || term < 0) {
    throw invalid(`expected an index and a term up to 2^53-1, got index ${index} and term ${term}`);
  }
  if (data.length > MAX_ENTRY_DATA_BYTES) {
    throw invalid(`expected at most ${MAX_ENTRY_DATA_BYTES} bytes in entry ${index}, got ${data.length}`);
  }
}

function checkSnapshot(snapshot: Snapshot): void {
  const problem = snapshotProblem(snapshot);
  if (problem !== undefined) throw invalid(problem);
}

function invalid(problem: string): StorageError {
  return new StorageError("invalid_batch", `${problem}; nothing was written`);
}
