// SPDX-License-Identifier: Apache-2.0
import type { Entry, HardState, LogError, Snapshot } from "@tsoracle/driver-raft/raft";
import type { Identity, RaftStorage, StorageBatch } from "@tsoracle/driver-raft/storage";

type ConfState = Snapshot["metadata"]["confState"];
export interface SnapshotRequest {
  readonly index: number;
  readonly confState: ConfState;
  readonly data: Uint8Array;
}

/** Hears of each write before it begins and after it is durable. */
export interface StorageObserver {
  appending(batch: StorageBatch): void;
  appended(batch: StorageBatch): void;
  snapshotTaken(request: SnapshotRequest): void;
  compacted(index: number): void;
}

/** The real storage, with somebody who watches what is asked of it. */
export class ObservedStorage implements RaftStorage {
  readonly #inner: RaftStorage;
  readonly #observer: StorageObserver;

  constructor(inner: RaftStorage, observer: StorageObserver) {
    this.#inner = inner;
    this.#observer = observer;
  }

  get identity(): Identity {
    return this.#inner.identity;
  }
  get bootCount(): number {
    return this.#inner.bootCount;
  }
  get incarnation(): string {
    return this.#inner.incarnation;
  }
  get durableBatch(): number {
    return this.#inner.durableBatch;
  }
  get logBytes(): number {
    return this.#inner.logBytes;
  }
  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return this.#inner.initialState();
  }
  entries(lo: number, hi: number, maxSize: number): readonly Entry[] | LogError {
    return this.#inner.entries(lo, hi, maxSize);
  }
  term(index: number): number | LogError {
    return this.#inner.term(index);
  }
  firstIndex(): number {
    return this.#inner.firstIndex();
  }
  lastIndex(): number {
    return this.#inner.lastIndex();
  }
  snapshot(): Snapshot {
    return this.#inner.snapshot();
  }
  append(batch: StorageBatch): number {
    this.#observer.appending(batch);
    const number = this.#inner.append(batch);
    this.#observer.appended(batch);
    return number;
  }
  createSnapshot(request: SnapshotRequest): Snapshot {
    this.#observer.snapshotTaken(request);
    return this.#inner.createSnapshot(request);
  }
  compact(index: number): void {
    this.#inner.compact(index);
    this.#observer.compacted(index);
  }
  close(): void {
    this.#inner.close();
  }
}
