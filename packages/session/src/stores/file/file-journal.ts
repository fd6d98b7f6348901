// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type CreateJournalOptions,
  checkJournalEntry,
  checkJournalFence,
  checkJournalFrom,
  checkJournalId,
  checkJournalSeq,
  checkJournalSnapshot,
  checkJournalTs,
  type FencedJournal,
  type JournalCreation,
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalLimits,
  type JournalState,
  type JournalTakeoverOptions,
  type PutSnapshotOptions,
} from "@tsoracle/consensus";
import type { DirectoryLock } from "./directory-lock.ts";
import type { SessionFile, SessionPlace } from "./session-file.ts";
import { SessionFiles } from "./session-files.ts";
import type { QueueTerms } from "./work-queue.ts";

export interface FileJournalParts {
  readonly place: SessionPlace;
  readonly lock: DirectoryLock;
  readonly limits: JournalLimits;
  readonly writeTimeoutMs: number;
}

/** Journals in one directory. Arguments are checked, and bytes copied, before a call waits for anything. */
export class FileJournal implements FencedJournal {
  readonly name = "file";
  readonly limits: JournalLimits;
  readonly #files: SessionFiles;
  readonly #lock: DirectoryLock;
  readonly #timeoutMs: number;
  readonly #calls = new Calls(() => new JournalError("closed", "this file journal was disposed; open another"));
  #disposal: Promise<void> | undefined;

  constructor({ place, lock, limits, writeTimeoutMs }: FileJournalParts) {
    this.limits = limits;
    this.#files = new SessionFiles(place);
    this.#lock = lock;
    this.#timeoutMs = writeTimeoutMs;
  }

  load(id: string, options?: CallOptions): Promise<JournalState> {
    return this.#read(id, options, (session) => session.load());
  }

  createIfAbsent(id: string, fence: JournalFence, options?: CreateJournalOptions): Promise<JournalCreation> {
    return this.#calls.run(options, () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const first = options?.snapshot;
      const snapshot = first === undefined ? undefined : checkJournalSnapshot(first, this.limits);
      return this.#files.createIfAbsent(key, owner, snapshot, this.#terms("uncertain"));
    });
  }

  takeover(id: string, fence: JournalFence, options?: JournalTakeoverOptions): Promise<JournalHead> {
    return this.#write(id, options, () => {
      const owner = checkJournalFence(fence);
      const from = checkJournalFrom(options);
      return (session) => session.takeover(owner, from);
    });
  }

  append(
    id: string,
    fence: JournalFence,
    seq: number,
    entry: Uint8Array,
    ts: bigint,
    options?: CallOptions,
  ): Promise<void> {
    return this.#write(id, options, () => {
      const owner = checkJournalFence(fence);
      const numbers = { seq: checkJournalSeq(seq, 1), ts: checkJournalTs(ts) };
      const record = { ...owner, ...numbers, entry: checkJournalEntry(entry, this.limits) };
      return (session) => session.append(owner, record);
    });
  }

  putSnapshot(
    id: string,
    fence: JournalFence,
    seq: number,
    bytes: Uint8Array,
    options?: PutSnapshotOptions,
  ): Promise<void> {
    return this.#write(id, options, () => {
      const owner = checkJournalFence(fence);
      const snapshot = { ...owner, seq: checkJournalSeq(seq, 0), bytes: checkJournalSnapshot(bytes, this.limits) };
      const ahead = options?.ahead ?? false;
      return (session) => session.putSnapshot(owner, snapshot, ahead);
    });
  }

  truncateThrough(id: string, fence: JournalFence, seq: number, options?: CallOptions): Promise<void> {
    return this.#write(id, options, () => {
      const owner = checkJournalFence(fence);
      const through = checkJournalSeq(seq, 0);
      return (session) => session.truncateThrough(owner, through);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  /** Waits for calls under way. A disk that hangs is not waited for; the directory stays locked until it has ended. */
  async #dispose(): Promise<void> {
    await this.#calls.close();
    const freed = this.#files.idle().then(() => this.#lock.release());
    if (this.#files.isIdle) await freed;
    else freed.catch(() => {});
  }

  #read<T>(id: string, options: CallOptions | undefined, work: (session: SessionFile) => Promise<T>): Promise<T> {
    return this.#calls.run(options, () => this.#files.use(checkJournalId(id), work, this.#terms("transient")));
  }

  #write<T>(
    id: string,
    options: CallOptions | undefined,
    prepare: () => (session: SessionFile) => Promise<T>,
  ): Promise<T> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      return await this.#files.use(key, prepare(), this.#terms("uncertain"));
    });
  }

  #terms(onceBegun: "transient" | "uncertain"): QueueTerms {
    const timeoutMs = this.#timeoutMs;
    return {
      timeoutMs,
      tooSlow: (begun) =>
        begun
          ? new JournalError(onceBegun, `the disk did not finish within ${timeoutMs} ms; what it does is not known`)
          : new JournalError("transient", `the disk did not begin within ${timeoutMs} ms; nothing was done`),
    };
  }
}
