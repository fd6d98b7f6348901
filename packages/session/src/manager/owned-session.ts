// SPDX-License-Identifier: Apache-2.0
import type { OwnershipFence, TakeoverRequest } from "@tsoracle/fencing";
import type { ContinuityReport } from "../continuity-report.ts";
import type { DurableSession } from "../durable-session.ts";
import type { LifecycleState, ResumePolicy } from "../state.ts";

export interface OpenOptions {
  /** Where clients find the session, for the session's own records. @defaultValue "" */
  readonly route?: string | undefined;
  /**
   * Whether a session that is there already is made live at once, by the policy that it was made with. With `false` it
   * takes no entries until `reconnect` is called. @defaultValue true
   */
  readonly reconnect?: boolean | undefined;
  /** When the failover began, by the manager's clock; for the report on continuity. @defaultValue when this call began */
  readonly failoverAtMs?: number | undefined;
  /**
   * The newest entry that anybody saw acknowledged (clients of a room know it). With snapshots alone the loss is then
   * counted; otherwise the report assumes the worst. The count is of what was acknowledged up to this mark and is not in
   * the state now, so that the same mark gives the same loss again, whether or not a takeover has reported it before. A
   * store that lost snapshots which it had acknowledged may make it too high.
   */
  readonly acknowledged?: EntryMark | undefined;
}

export interface TakeoverOptions extends OpenOptions {
  /** A claim that somebody else made, for this node; judged by the model. @defaultValue one made with a fresh timestamp */
  readonly claim?: TakeoverRequest | undefined;
}

export interface AppendOptions {
  /** By how much the session's counter moves. With 1 it counts entries. @defaultValue 1 */
  readonly delta?: number | undefined;
  /** Takes the entry back while it waits for its turn. Once its write has begun it has no effect. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Which entry: the epoch of the owner that took it, and its number. One without the other is not enough, because what an
 * owner lost its successor does not know of, and gives the numbers again. Of two the newer is that with the greater epoch,
 * and of one epoch that with the greater number.
 */
export interface EntryMark {
  readonly epoch: bigint;
  readonly seq: number;
}

/** The mark of the new entry: what `acknowledged` takes after a failover. */
export interface Appended extends EntryMark {
  /** Whether the entry survives a crash. False only with snapshots alone, between two of them. */
  readonly durable: boolean;
}

export interface ReconnectOptions {
  /** @defaultValue the policy that the session was made with */
  readonly policy?: ResumePolicy | undefined;
  /** @defaultValue the route that it had */
  readonly route?: string | undefined;
  /** @defaultValue when the session was taken over, or crashed */
  readonly failoverAtMs?: number | undefined;
}

/** How the session came through a failover, and how sure that is. */
export interface SessionContinuity extends ContinuityReport {
  /** `exact`: the loss was counted. `at_most`: nobody could count it, and the worst that the backend allows is assumed. */
  readonly loss: "exact" | "at_most";
}

export interface RecoveredEntry<Entry> {
  readonly seq: number;
  readonly entry: Entry;
}

/** What was found when the session was opened. */
export interface Recovery<State, Entry> {
  readonly created: boolean;
  /** Number and state of the newest snapshot; those of the beginning where there is no other. */
  readonly snapshotSeq: number;
  readonly snapshotState: State;
  /** The application's entries after it, oldest first. */
  readonly entries: readonly RecoveredEntry<Entry>[];
  /** Who wrote last. */
  readonly previousOwner: string | undefined;
}

export interface HandOffOptions {
  /** How long waiting calls, the snapshot and the hint may take together, in milliseconds. @defaultValue 5000 */
  readonly deadlineMs?: number | undefined;
}

export interface HandOff {
  /**
   * Whether the store says that the session may be opened elsewhere. If not, it takes a `takeover` there. Never after a
   * takeover with a loss that no reconnect has reported, and with snapshots alone not after such a crash either: the next
   * node would report none.
   */
  readonly released: boolean;
  /** Whether the last snapshot covers everything. False where the backend keeps none, or the snapshot failed. */
  readonly snapshot: boolean;
  /** Why it was not released. */
  readonly cause?: unknown;
}

/**
 * A session that this node owns, until its `signal` aborts. All calls are carried out one after the other, in the order
 * in which they were made, and the state changes only by what the store has acknowledged.
 *
 * After the signal has aborted, every call rejects with its reason, a `SessionManagerError`.
 */
export interface OwnedSession<State, Entry> extends AsyncDisposable {
  readonly id: string;
  /** Owner, epoch and token. The epoch is the fencing token for whatever else the owner writes to. */
  readonly fence: OwnershipFence;
  /** Aborts when the session is no longer this handle's, for whatever reason; `signal.reason` says which. */
  readonly signal: AbortSignal;
  /** After every acknowledged entry. Between a crash and the restart it is that of before. */
  readonly state: State;
  /** The number of the newest entry; 0 where there is none. */
  readonly seq: number;
  readonly lifecycle: LifecycleState;
  readonly route: string;
  readonly recovery: Recovery<State, Entry>;
  /** The report on the last reconnect, if there was one. */
  readonly continuity: SessionContinuity | undefined;
  /** The session as the model sees it, for labels and signatures. Entries that the store holds may be missing from it. */
  readonly model: DurableSession;

  /**
   * Adds an entry. Resolves when the backend has it, and `state` has changed by then.
   *
   * @throws what `apply` or `encodeEntry` throws; `SessionManagerError` `uncertain`, `in_doubt`, `not_live`, `queue_full`,
   * `oracle_unavailable`, or the reason of `signal`; `JournalError` `oversize` and `transient`. Except for `uncertain`,
   * and a loss of the session in the middle of the write, nothing was written.
   */
  append(entry: Entry, options?: AppendOptions): Promise<Appended>;
  /** Takes a snapshot now, and lets the store drop what it covers. @throws as `append`, and `backend_unfit`. */
  snapshot(): Promise<{ readonly seq: number }>;
  /** Marks the session as crashed and forgets its state in memory: the application found it to be wrong. */
  crash(reason: string): Promise<void>;
  /** After a crash or a takeover: the state is back from the store, clients are not yet. */
  restart(): Promise<void>;
  /**
   * Clients are back: `resume` goes on from the state at hand, `rehydrate` reads it from the store again and compares,
   * `remount` begins anew. After a crash, resume reads the store as well.
   *
   * @throws as `append`; `SessionError` `state_diverged` when the store tells another story.
   */
  reconnect(options?: ReconnectOptions): Promise<SessionContinuity>;
  /** What a reconnect at this moment would report. */
  continuityReport(failoverAtMs: number, reconnectAtMs?: number): SessionContinuity;
  /** Asks the store whether this node still owns the session; rejects with the reason if not. Writes nothing. */
  confirm(): Promise<void>;
  /** Finds out about an uncertain write, if there is one. `written`: it is in `state` now. */
  settle(): Promise<"nothing" | "written">;
  /** Lets the calls that wait finish, takes a snapshot, lets the session go to `node`, and drops it here. */
  handOff(node: string, options?: HandOffOptions): Promise<HandOff>;
  /** As `handOff`, to whichever node opens it next. */
  close(options?: HandOffOptions): Promise<HandOff>;
  /** Drops the session at once, without a word to the store. Another node needs a `takeover`. */
  abandon(): void;
}
