// SPDX-License-Identifier: Apache-2.0
import { Calls } from "../calls.ts";
import type { CallOptions } from "../leader-state.ts";
import type {
  CreateJournalOptions,
  FencedJournal,
  JournalCreation,
  JournalFence,
  JournalHead,
  JournalLimits,
  JournalState,
  JournalTakeoverOptions,
  PutSnapshotOptions,
} from "./fenced-journal.ts";
import {
  checkJournalEntry,
  checkJournalFence,
  checkJournalFrom,
  checkJournalId,
  checkJournalLimits,
  checkJournalSeq,
  checkJournalSnapshot,
  checkJournalTs,
} from "./journal-arguments.ts";
import { JournalError } from "./journal-error.ts";
import { MemorySession } from "./memory-session.ts";

/**
 * Journals in memory, which several handles of one process share: the contract of {@link FencedJournal} in its
 * simplest form. They live as long as this object, so that disposing a handle and opening another is a restart.
 */
export class MemoryJournalStore {
  readonly #limits: JournalLimits;
  readonly #sessions = new Map<string, MemorySession>();

  /** @throws JournalError `invalid` for limits out of range. */
  constructor(limits: Partial<JournalLimits> = {}) {
    this.#limits = checkJournalLimits(limits);
  }

  open(): FencedJournal {
    return new MemoryJournal(this.#sessions, this.#limits);
  }
}

/** A store of its own with one handle. It forgets everything with the process. */
export function openMemoryJournal(limits: Partial<JournalLimits> = {}): FencedJournal {
  return new MemoryJournalStore(limits).open();
}

/** One handle on a memory store. Arguments are checked, and bytes copied, before the call waits for anything. */
class MemoryJournal implements FencedJournal {
  readonly name = "memory";
  readonly limits: JournalLimits;
  readonly #sessions: Map<string, MemorySession>;
  readonly #calls = new Calls(() => new JournalError("closed", "this memory journal was disposed; open another"));

  constructor(sessions: Map<string, MemorySession>, limits: JournalLimits) {
    this.#sessions = sessions;
    this.limits = limits;
  }

  load(id: string, options?: CallOptions): Promise<JournalState> {
    return this.#step(id, options, () => (session) => session.state());
  }

  createIfAbsent(id: string, fence: JournalFence, options?: CreateJournalOptions): Promise<JournalCreation> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const first = options?.snapshot;
      const snapshot = first === undefined ? undefined : checkJournalSnapshot(first, this.limits);
      await Promise.resolve();
      const present = this.#sessions.get(key);
      if (present !== undefined) return { created: false, ...present.head };
      const session = new MemorySession(key, owner, snapshot);
      this.#sessions.set(key, session);
      return { created: true, ...session.head };
    });
  }

  takeover(id: string, fence: JournalFence, options?: JournalTakeoverOptions): Promise<JournalHead> {
    return this.#step(id, options, () => {
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
    return this.#step(id, options, () => {
      const owner = checkJournalFence(fence);
      const record = {
        ...owner,
        seq: checkJournalSeq(seq, 1),
        ts: checkJournalTs(ts),
        entry: checkJournalEntry(entry, this.limits),
      };
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
    return this.#step(id, options, () => {
      const owner = checkJournalFence(fence);
      const snapshot = { ...owner, seq: checkJournalSeq(seq, 0), bytes: checkJournalSnapshot(bytes, this.limits) };
      const ahead = options?.ahead ?? false;
      return (session) => session.putSnapshot(owner, snapshot, ahead);
    });
  }

  truncateThrough(id: string, fence: JournalFence, seq: number, options?: CallOptions): Promise<void> {
    return this.#step(id, options, () => {
      const owner = checkJournalFence(fence);
      const through = checkJournalSeq(seq, 0);
      return (session) => session.truncateThrough(owner, through);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls.close();
  }

  /** Arguments now; then one atomic step of the session, at a later moment than the call, as with any store. */
  #step<T>(id: string, options: CallOptions | undefined, prepare: () => (session: MemorySession) => T): Promise<T> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const step = prepare();
      await Promise.resolve();
      const session = this.#sessions.get(key);
      if (session === undefined) {
        throw new JournalError("unknown_session", `there is no journal of session ${JSON.stringify(id)}`);
      }
      return step(session);
    });
  }
}
