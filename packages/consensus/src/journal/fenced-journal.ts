// SPDX-License-Identifier: Apache-2.0
import type { CallOptions } from "../leader-state.ts";

/**
 * Who owns a journal: the epoch under which it was taken over, and the owner's name. The two are one claim;
 * neither alone is enough to write.
 */
export interface JournalFence {
  /** An unsigned 64-bit integer, compared exactly. A fresh timestamp of the oracle is one that nobody used before. */
  readonly epoch: bigint;
  /** 1 to 512 bytes in UTF-8, without NUL. */
  readonly owner: string;
}

/** One acknowledged entry, as it was appended. */
export interface JournalRecord extends JournalFence {
  /** 1 and up, without gaps. */
  readonly seq: number;
  /** What the writer gave, usually a timestamp of the oracle: an unsigned 64-bit integer that the journal only keeps. */
  readonly ts: bigint;
  readonly entry: Uint8Array;
}

/** The state of a session after entry `seq`, in bytes that the journal does not look into. */
export interface JournalSnapshot extends JournalFence {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** What decides whether a write is accepted. */
export interface JournalHead {
  readonly fence: JournalFence;
  /** The only number that the next append may have. */
  readonly nextSeq: number;
  /** The number of the newest snapshot, if there is one. */
  readonly snapshotSeq?: number | undefined;
}

/** Everything that a new owner needs: the newest snapshot, and what came after it. */
export interface JournalState extends JournalHead {
  readonly snapshot?: JournalSnapshot | undefined;
  /** Every entry after the snapshot, oldest first; all of them where there is no snapshot. */
  readonly entries: readonly JournalRecord[];
  /** Entries below this number were truncated; `nextSeq` if none is kept. */
  readonly firstSeq: number;
}

/** Whether {@link FencedJournal.createIfAbsent} made the journal, and what is there now. */
export interface JournalCreation extends JournalHead {
  readonly created: boolean;
}

export interface CreateJournalOptions extends CallOptions {
  /** The state before the first entry: a snapshot with the number 0, in the same atomic step. */
  readonly snapshot?: Uint8Array | undefined;
}

export interface JournalTakeoverOptions extends CallOptions {
  /**
   * Takes the journal only from the owner that has this epoch at that moment: for an owner that was told to go, so that
   * of several that read so only one comes after it. @defaultValue from whoever has it
   */
  readonly from?: bigint | undefined;
}

export interface PutSnapshotOptions extends CallOptions {
  /**
   * Lets the snapshot cover numbers that have no entry here: for sessions that keep snapshots only, and for those
   * whose entries are in another store. The next entry is then `seq + 1`. @defaultValue false
   */
  readonly ahead?: boolean | undefined;
}

/** The largest that a store takes, in bytes. */
export interface JournalLimits {
  readonly maxEntryBytes: number;
  readonly maxSnapshotBytes: number;
}

/** What a store takes unless it is opened with other limits: 64 KiB an entry, 1 MiB a snapshot. */
export const DEFAULT_JOURNAL_LIMITS: JournalLimits = Object.freeze({
  maxEntryBytes: 64 * 1024,
  maxSnapshotBytes: 1024 * 1024,
});

/**
 * A store of journals, one per session id, each owned by whoever took it over with the greatest epoch. It knows
 * nothing of what sessions mean (`fencing-quorum-sessions.md` 4.7).
 *
 * Every write is accepted or refused by the store's own atomic step, which looks at the fence first and at the
 * sequence number second: a lost fence is `fenced` or `split_brain`, a wrong number is `conflict`. A journal handle is
 * not bound to an owner; whoever calls says for whom. An id is 1 to 512 bytes in UTF-8, without NUL.
 *
 * As long as an owner has one append under way at a time, its journal holds exactly what was acknowledged, and at most
 * the one entry whose append ended as `uncertain`.
 *
 * Every method rejects with `JournalError`, or with the reason of an aborted signal, and with nothing else. Each
 * labelled clause is a test of the conformance kit (`journalConformance`) under the same id.
 *
 * Contract — journal.isolated: journals of different ids share nothing, however alike the ids are.
 * Contract — journal.arguments: an argument that is out of its bounds rejects as `invalid`, and nothing is written.
 * Contract — journal.unknown: where there is no journal, every call but `createIfAbsent` rejects as `unknown_session` and creates none.
 * Contract — journal.epoch-exact: epochs that differ by one are different over the whole range of 64 bits.
 * Contract — journal.split-brain: the present epoch with another owner is refused as `split_brain` by every write, and nothing is written.
 * Contract — journal.fenced: a superseded owner's write is refused as `fenced`, and nothing is written.
 * Contract — journal.ungranted: a greater epoch that never took over is refused as `fenced`, and nothing is written.
 * Contract — journal.fence-first: a write with a wrong fence and a wrong number is refused for its fence.
 * Contract — journal.late: a write that was held back across a takeover is never acknowledged and never written.
 * Contract — journal.durable: what resolved survives a crash, and the epoch never goes back.
 * Contract — journal.reopen: what resolved is there when the store is opened again.
 * Contract — journal.torn: what a crash left of an append that was not acknowledged is removed when the store is opened, and nothing else.
 * Contract — journal.rot: damage to what was acknowledged is `permanent`; nothing is served in its place and nothing is written over it.
 * Contract — journal.lost-reply: a write whose reply was lost is `uncertain`, is carried out at most once, and may be repeated.
 * Contract — journal.cancel-before: a signal that is aborted already has no effect on the store.
 * Contract — journal.cancel-in-flight: aborting in flight ends the wait with the signal's reason and corrupts nothing; the write happens once or not at all.
 * Contract — journal.bounded: while the store stalls, calls reject as `transient` or `uncertain` instead of hanging.
 * Contract — journal.partition: one that is cut off rejects instead of hanging, and heals without reopening.
 * Contract — journal.closed: a call after disposal rejects as `closed`.
 * Contract — journal.dispose-idempotent: disposing twice is disposing once.
 * Contract — journal.dispose-settles: disposal waits for calls under way to settle.
 * Contract — journal.exclusive: a store that one process at a time may open refuses the second as `in_use`.
 */
export interface FencedJournal extends AsyncDisposable {
  /** For people: "file", "postgres", ... */
  readonly name: string;
  readonly limits: JournalLimits;

  /**
   * Fence, newest snapshot, and the entries after it.
   *
   * Contract — journal.load: it sees every write that resolved before the call, each entry exactly as it was appended and in order.
   */
  load(id: string, options?: CallOptions): Promise<JournalState>;

  /**
   * Makes an empty journal, owned by `fence`, unless there is one. One that is there stays as it is, whoever owns it:
   * look at `created`, or at the fence where an earlier try was uncertain.
   *
   * Contract — journal.create: an absent journal is made with this fence and this snapshot; one that is there is told and not changed.
   */
  createIfAbsent(id: string, fence: JournalFence, options?: CreateJournalOptions): Promise<JournalCreation>;

  /**
   * Makes `fence` the owner if its epoch is greater than the present one; with the fence that owns the journal already
   * it changes nothing and resolves. From here on no write of an earlier owner is accepted, late ones included.
   *
   * Contract — journal.takeover: a greater epoch wins, also of the same owner; a smaller one is `fenced`; the owner's own is a repetition; the entries stay.
   * Contract — journal.takeover-from: with `from` it is `fenced` unless that epoch owns the journal in the step that writes; of several that take over from one epoch exactly one wins; the owner's own is a repetition.
   * Contract — journal.race: when takeovers race, the greatest epoch ends as owner, and from then on the losers write nothing.
   */
  takeover(id: string, fence: JournalFence, options?: JournalTakeoverOptions): Promise<JournalHead>;

  /**
   * Adds one entry with the next number. Resolves when it is durable. The bytes are the caller's again at once.
   *
   * Contract — journal.next: only `nextSeq` is accepted; a repeated or a skipped number is `conflict`, and nothing is written.
   * Contract — journal.concurrent: of concurrent appends of one number exactly one is accepted.
   * Contract — journal.bytes: an entry is kept byte for byte, whatever the caller does with its array afterwards.
   * Contract — journal.bounds: what is as large as the limit is accepted; a byte more is `oversize`, and nothing is written.
   */
  append(
    id: string,
    fence: JournalFence,
    seq: number,
    entry: Uint8Array,
    ts: bigint,
    options?: CallOptions,
  ): Promise<void>;

  /**
   * Replaces the snapshot by one of the state after entry `seq`. Resolves when it is durable.
   *
   * Contract — journal.snapshot: it may not be older than the present one nor newer than the last entry, else `conflict`; with the present one's number it replaces it.
   * Contract — journal.snapshot-ahead: with `ahead` it may be newer than the last entry, and the next number follows it.
   */
  putSnapshot(
    id: string,
    fence: JournalFence,
    seq: number,
    bytes: Uint8Array,
    options?: PutSnapshotOptions,
  ): Promise<void>;

  /**
   * Removes the entries up to and including `seq`, all of which the snapshot covers.
   *
   * Contract — journal.truncate: the entries are gone, a load gives what it gave before, and the next number is the same.
   * Contract — journal.truncate-covered: without a snapshot, or beyond it, it is `conflict`, and nothing is removed.
   */
  truncateThrough(id: string, fence: JournalFence, seq: number, options?: CallOptions): Promise<void>;
}
