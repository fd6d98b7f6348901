// SPDX-License-Identifier: Apache-2.0
import type { Storage } from "../raft/log/storage.ts";
import type { ConfState, Entry, HardState, Snapshot } from "../raft/types.ts";
import type { LockSettings } from "./lock.ts";
import type { RandomBytes } from "./random.ts";

/** Who a storage belongs to (`raft.md` I1). Never changes after `format`. */
export interface Identity {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly clusterId: string;
  /** 1 to 2^53-1, never used again for another disk (M6). */
  readonly nodeId: number;
  /** Random, one per formatted directory. */
  readonly storageId: string;
  /** The list of first members in the form of the caller, at most 64 KiB; empty for a node that joins later. */
  readonly genesis: Uint8Array;
}

/** What a `Ready` wants durable, as one batch (P1). Left out, or the core's empty values: nothing of that kind. */
export interface StorageBatch {
  readonly hardState?: HardState | undefined;
  readonly entries?: readonly Entry[] | undefined;
  /** Received from the leader: replaces the whole log. `entries` then begin right after it. */
  readonly snapshot?: Snapshot | undefined;
}

export interface FormatOptions {
  readonly clusterId: string;
  /** Left out: random, 53 bits. */
  readonly nodeId?: number | undefined;
  /** Left out: random. */
  readonly storageId?: string | undefined;
  readonly genesis?: Uint8Array | undefined;
  /** The state that every first member begins with; left out for a node that joins later. */
  readonly initialSnapshot?: Snapshot | undefined;
  /** Default 4 MiB. At least 4 KiB, a multiple of 512. */
  readonly segmentBytes?: number | undefined;
  readonly random?: RandomBytes | undefined;
}

export interface OpenOptions {
  /** Refused unless the directory is this node's. */
  readonly expect?: { readonly clusterId?: string | undefined; readonly nodeId?: number | undefined } | undefined;
  /** What opening found and mended, in sentences for the log of the process. */
  readonly log?: ((line: string) => void) | undefined;
  /** Default 4 MiB. Applies to segments made from now on. */
  readonly segmentBytes?: number | undefined;
  /** The process that holds the directory; `"none"` only where nobody else can reach it (simulation). */
  readonly lock?: LockSettings | "none" | undefined;
  readonly random?: RandomBytes | undefined;
}

/**
 * The durable state of one node, and the view of it that the core reads. Single-threaded and synchronous.
 *
 * Whatever a method that writes returns after is durable in the sense of C3: batch in the log, sync, watermark, sync. If a
 * write or sync fails, the method throws `io`, and every later call of any method throws `poisoned`: what is on disk is
 * then unknown, and the process must end (P9).
 */
export interface RaftStorage extends Storage {
  readonly identity: Identity;
  /** How often this directory was started, this start included; durable before `openStorage` returned (I4). */
  readonly bootCount: number;
  /** Random per start. */
  readonly incarnation: string;

  /** The newest durable one; the core's empty snapshot if there is none. */
  snapshot(): Snapshot;

  /**
   * Makes the batch durable and returns its number. Only then may anything leave that depends on it (P2). A batch that
   * brings only a new commit index is remembered and written with the next one (P5); the number is then that of the
   * newest durable batch.
   *
   * @throws StorageError `invalid_batch`: nothing was written, and the caller is wrong.
   */
  append(batch: StorageBatch): number;
  /** Writes a snapshot of applied state at `index` and marks it in the log; the log keeps its entries (E13). */
  createSnapshot(snapshot: {
    readonly index: number;
    readonly confState: ConfState;
    readonly data: Uint8Array;
  }): Snapshot;
  /** Forgets entries up to and including `index`, which a snapshot covers, and drops segments that hold nothing else. */
  compact(index: number): void;
  /** The number of the newest durable batch. */
  readonly durableBatch: number;
  /** Bytes that log segments take on disk. */
  readonly logBytes: number;
  /** Lets go of the files and the lock. */
  close(): void;
}
