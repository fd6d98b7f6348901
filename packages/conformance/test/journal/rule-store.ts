// SPDX-License-Identifier: Apache-2.0
import {
  Calls,
  checkJournalEntry,
  checkJournalFence,
  checkJournalFrom,
  checkJournalId,
  checkJournalSeq,
  checkJournalSnapshot,
  checkJournalTs,
  type FencedJournal,
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalRecord,
  type JournalSnapshot,
  type JournalState,
  type JournalWrite,
  journalHeadAfter,
  journalRefusal,
} from "@tsoracle/consensus";
import { type JournalStore, LIMITS } from "./memory-journal-subject.ts";

/** The decisions of a journal, each of which a broken one can take in another way. */
export interface JournalRules {
  readonly id: (id: string) => string;
  readonly refusal: typeof journalRefusal;
  readonly after: (head: JournalHead, write: JournalWrite) => JournalHead;
  readonly entry: (entry: Uint8Array) => Uint8Array;
  readonly kept: (entries: readonly JournalRecord[], through: number) => readonly JournalRecord[];
  /** Whether the condition is looked at in the same step as the write. */
  readonly atomic: (kind: JournalWrite["kind"]) => boolean;
  /** Whether damage is noticed. */
  readonly noticesDamage: boolean;
}

const rightRules: JournalRules = {
  id: checkJournalId,
  refusal: journalRefusal,
  after: journalHeadAfter,
  entry: (entry) => checkJournalEntry(entry, LIMITS),
  kept: (entries, through) => entries.filter(({ seq }) => seq > through),
  atomic: () => true,
  noticesDamage: true,
};

interface Session {
  readonly head: JournalHead;
  readonly snapshot: JournalSnapshot | undefined;
  readonly entries: readonly JournalRecord[];
}

/** A journal in memory whose decisions can be replaced, and which can lose its last write or be damaged. */
export class RuleStore implements JournalStore {
  readonly #rules: JournalRules;
  readonly #sessions = new Map<string, Session>();
  readonly #damaged = new Set<string>();
  #last: { readonly id: string; readonly before: Session | undefined } | undefined;

  constructor(rules: Partial<JournalRules> = {}) {
    this.#rules = { ...rightRules, ...rules };
  }

  damage(id: string): void {
    this.#damaged.add(id);
  }

  /** Undoes the last write, of whatever kind. */
  loseLast(): void {
    if (this.#last?.before === undefined) return;
    this.#sessions.set(this.#last.id, this.#last.before);
    this.#last = undefined;
  }

  open(): FencedJournal {
    const rules = this.#rules;
    const calls = new Calls(() => new JournalError("closed", "this journal was disposed"));
    return {
      name: "rules",
      limits: LIMITS,
      load: (id, options) =>
        calls.run(options, async () => {
          const key = rules.id(id);
          await Promise.resolve();
          return shown(this.#need(key));
        }),
      createIfAbsent: (id, fence, options) =>
        calls.run(options, async () => {
          const [key, owner, first] = [rules.id(id), checkJournalFence(fence), options?.snapshot];
          const bytes = first === undefined ? undefined : checkJournalSnapshot(first, LIMITS);
          await Promise.resolve();
          this.#demandWhole(key);
          const found = this.#sessions.get(key);
          if (found !== undefined) return { created: false, ...found.head };
          const snapshot = bytes === undefined ? undefined : { ...owner, seq: 0, bytes };
          const head = { fence: owner, nextSeq: 1, snapshotSeq: snapshot?.seq };
          this.#put(key, { head, snapshot, entries: [] });
          return { created: true, ...head };
        }),
      takeover: (id, fence, options) =>
        calls.run(options, () => {
          const from = checkJournalFrom(options);
          const write: JournalWrite = { kind: "takeover", fence: checkJournalFence(fence), from };
          return this.#write(rules.id(id), write, () => ({}));
        }),
      append: (id, fence, seq, entry, ts, options) =>
        calls.run(options, async () => {
          const [key, owner] = [rules.id(id), checkJournalFence(fence)];
          const record = { ...owner, seq: checkJournalSeq(seq, 1), ts: checkJournalTs(ts), entry: rules.entry(entry) };
          const write: JournalWrite = { kind: "append", fence: owner, seq };
          await this.#write(key, write, ({ entries }) => ({ entries: [...entries, record] }));
        }),
      putSnapshot: (id, fence, seq, bytes, options) =>
        calls.run(options, async () => {
          const [key, owner] = [rules.id(id), checkJournalFence(fence)];
          const ahead = options?.ahead ?? false;
          const write: JournalWrite = { kind: "snapshot", fence: owner, seq: checkJournalSeq(seq, 0), ahead };
          const snapshot = { ...owner, seq, bytes: checkJournalSnapshot(bytes, LIMITS) };
          await this.#write(key, write, () => ({ snapshot }));
        }),
      truncateThrough: (id, fence, seq, options) =>
        calls.run(options, async () => {
          const [key, owner] = [rules.id(id), checkJournalFence(fence)];
          const write: JournalWrite = { kind: "truncate", fence: owner, seq: checkJournalSeq(seq, 0) };
          await this.#write(key, write, ({ entries }) => ({ entries: rules.kept(entries, seq) }));
        }),
      [Symbol.asyncDispose]: () => calls.close(),
    };
  }

  async #write(id: string, write: JournalWrite, change: (session: Session) => Partial<Session>): Promise<JournalHead> {
    const { refusal, after, atomic } = this.#rules;
    await Promise.resolve();
    const { head } = this.#need(id);
    const refused = refusal(id, head, write);
    if (!atomic(write.kind)) await new Promise<void>((resolve) => setImmediate(resolve));
    if (refused !== undefined) throw refused;
    const session = this.#need(id);
    const next = { ...session, head: after(session.head, write), ...change(session) };
    this.#put(id, next);
    return next.head;
  }

  #put(id: string, session: Session): void {
    this.#last = { id, before: this.#sessions.get(id) };
    this.#sessions.set(id, session);
  }

  #need(id: string): Session {
    this.#demandWhole(id);
    const session = this.#sessions.get(id);
    if (session === undefined) throw new JournalError("unknown_session", `there is no journal of session ${id}`);
    return session;
  }

  #demandWhole(id: string): void {
    if (this.#rules.noticesDamage && this.#damaged.has(id)) throw new JournalError("permanent", `${id} is damaged`);
  }
}

function shown({ head, snapshot, entries }: Session): JournalState {
  return {
    ...head,
    snapshot: snapshot === undefined ? undefined : { ...snapshot, bytes: Uint8Array.from(snapshot.bytes) },
    entries: entries
      .filter(({ seq }) => seq > (snapshot?.seq ?? 0))
      .map((record) => ({ ...record, entry: Uint8Array.from(record.entry) })),
    firstSeq: entries[0]?.seq ?? head.nextSeq,
  };
}

/** Whether two claims are one, as a right journal sees it. */
export function sameFence(left: JournalFence, right: JournalFence): boolean {
  return left.epoch === right.epoch && left.owner === right.owner;
}
