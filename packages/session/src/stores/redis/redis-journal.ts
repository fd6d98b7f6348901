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
import { Deadline } from "./group-errors.ts";
import { appending, creation, type Operation, snapshotting, takeover, truncation } from "./operation.ts";
import type { ReplicaGroup } from "./replica-group.ts";
import { SessionShelf } from "./session-shelf.ts";

export interface RedisJournalParts {
  readonly group: ReplicaGroup;
  readonly limits: JournalLimits;
  readonly callTimeoutMs: number;
  /** Ends the connections. */
  readonly close: () => Promise<void>;
}

/** Journals on W of N nodes. Arguments are checked, and bytes copied, before a call waits for anything. */
export class RedisJournal implements FencedJournal {
  readonly name = "redis";
  readonly limits: JournalLimits;
  readonly #parts: RedisJournalParts;
  readonly #shelf: SessionShelf;
  readonly #calls = new Calls(() => new JournalError("closed", "this Redis journal was disposed; open another"));
  #disposal: Promise<void> | undefined;

  constructor(parts: RedisJournalParts) {
    this.limits = parts.limits;
    this.#parts = parts;
    this.#shelf = new SessionShelf(parts.group);
  }

  load(id: string, options?: CallOptions): Promise<JournalState> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      return await this.#shelf.read(key, (session) => session.load(this.#deadline()));
    });
  }

  createIfAbsent(id: string, fence: JournalFence, options?: CreateJournalOptions): Promise<JournalCreation> {
    return this.#write(id, options, () => {
      const first = options?.snapshot;
      const snapshot = first === undefined ? undefined : checkJournalSnapshot(first, this.limits);
      return creation(checkJournalFence(fence), snapshot);
    });
  }

  takeover(id: string, fence: JournalFence, options?: JournalTakeoverOptions): Promise<JournalHead> {
    return this.#write(id, options, (key) => takeover(key, checkJournalFence(fence), checkJournalFrom(options)));
  }

  append(
    id: string,
    fence: JournalFence,
    seq: number,
    entry: Uint8Array,
    ts: bigint,
    options?: CallOptions,
  ): Promise<void> {
    return this.#write(id, options, (key) => {
      const owner = checkJournalFence(fence);
      const numbers = { seq: checkJournalSeq(seq, 1), ts: checkJournalTs(ts) };
      return appending(key, { ...owner, ...numbers, entry: checkJournalEntry(entry, this.limits) });
    });
  }

  putSnapshot(
    id: string,
    fence: JournalFence,
    seq: number,
    bytes: Uint8Array,
    options?: PutSnapshotOptions,
  ): Promise<void> {
    return this.#write(id, options, (key) => {
      const owner = checkJournalFence(fence);
      const snapshot = { ...owner, seq: checkJournalSeq(seq, 0), bytes: checkJournalSnapshot(bytes, this.limits) };
      return snapshotting(key, snapshot, options?.ahead ?? false);
    });
  }

  truncateThrough(id: string, fence: JournalFence, seq: number, options?: CallOptions): Promise<void> {
    return this.#write(id, options, (key) => truncation(key, checkJournalFence(fence), checkJournalSeq(seq, 0)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#calls.close().then(() => this.#parts.close());
    return this.#disposal;
  }

  #write<T>(id: string, options: CallOptions | undefined, prepare: (id: string) => Operation<T>): Promise<T> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const operation = prepare(key);
      const deadline = this.#deadline();
      return await this.#shelf.write(key, deadline, (session) => session.write(operation, deadline));
    });
  }

  #deadline(): Deadline {
    return new Deadline(this.#parts.group.timers, this.#parts.callTimeoutMs);
  }
}
