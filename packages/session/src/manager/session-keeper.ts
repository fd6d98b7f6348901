// SPDX-License-Identifier: Apache-2.0
import type { JournalState } from "@tsoracle/consensus";
import { checkMs } from "../checked.ts";
import { judgeContinuity, unsavedDeltas } from "../continuity.ts";
import { type DurableSession, journal } from "../durable-session.ts";
import type { JournalEntry } from "../journal-entry.ts";
import { compact, withoutHistory } from "../recover.ts";
import { sameState } from "../replay.ts";
import { SessionError } from "../session-error.ts";
import { appendCounterDelta, crash, reconnect, restart } from "../transitions.ts";
import { encodeRecord, encodeSnapshot, type Release, type SnapshotOrigin, type StoredRecord } from "./envelope.ts";
import { freshTimestamp } from "./fresh-timestamp.ts";
import type { KnownLoss } from "./known-loss.ts";
import type { ManagerSettings } from "./options.ts";
import type { Appended, ReconnectOptions, SessionContinuity } from "./owned-session.ts";
import { type ReadJournal, readJournal } from "./read-journal.ts";
import type { Reign, Step, Tell } from "./reign.ts";
import { SessionManagerError } from "./session-manager-error.ts";

/** Entries that a session in memory keeps although its store has them, for labels. */
const HISTORY_IN_MEMORY = 64;
const NOTHING = new Uint8Array();

export interface KeeperParts<State> {
  readonly model: DurableSession;
  readonly state: State;
  readonly seq: number;
  /** Where the numbers of this reign begin, and what was before. */
  readonly origin: Pick<SnapshotOrigin, "from" | "lineage">;
  /** Of the failover that brought the session here. */
  readonly failover?: { readonly atMs: number; readonly loss: KnownLoss } | undefined;
  /** The application's entries after the newest snapshot, and the bytes of all records there. */
  readonly tail: { readonly entries: number; readonly bytes: number };
}

/**
 * What this node knows of a session that it owns: the session of the model, the application's state, the number of the
 * newest entry. It changes when a write is certain, and by transitions of the model only. One method runs at a time.
 */
export class SessionKeeper<State, Entry> {
  readonly #settings: ManagerSettings<State, Entry>;
  readonly #reign: Reign;
  readonly #tell: Tell;
  #model: DurableSession;
  #state: State;
  #seq: number;
  /** The greatest number that this reign gave; a crash takes `#seq` back, and this one not. */
  #used: number;
  #origin: KeeperParts<State>["origin"];
  #failover: KeeperParts<State>["failover"];
  /** Whether clients may be served: not right after a takeover, although the journal tells of a live session. */
  #mounted: boolean;
  /** Whether the state is just as the store gave it. */
  #asRead = true;
  #tail: { entries: number; bytes: number };
  /** Entries at which a snapshot is tried again, after one that failed. */
  #nextSnapshotAt = 0;

  constructor(settings: ManagerSettings<State, Entry>, reign: Reign, tell: Tell, parts: KeeperParts<State>) {
    this.#settings = settings;
    this.#reign = reign;
    this.#tell = tell;
    this.#model = asKept(parts.model);
    this.#state = parts.state;
    this.#seq = parts.seq;
    this.#used = parts.seq;
    this.#origin = parts.origin;
    this.#failover = parts.failover;
    this.#mounted = parts.failover === undefined;
    this.#tail = { ...parts.tail };
  }

  get model(): DurableSession {
    return this.#model;
  }
  get state(): State {
    return this.#state;
  }
  get seq(): number {
    return this.#seq;
  }

  async append(payload: Uint8Array, delta: number): Promise<Appended> {
    await this.#reign.settle();
    // Also where a reconnect is in the store and its report was never given: entries would hide what was lost before them.
    if (this.#failover !== undefined || this.#model.snapshot.lifecycle !== "live") {
      throw this.#notLive("and takes no entries");
    }
    const { application, clock } = this.#settings;
    const atMs = clock.nowMs();
    const model = appendCounterDelta(this.#model, delta, atMs);
    // As a recovery will read it, so that the state in memory is the one that a recovery finds.
    const state = application.apply(this.#state, application.decodeEntry(payload));
    this.#asRead = false;
    if (this.#keepsJournal) {
      await this.#record(model, state, { kind: "counter_delta", delta }, atMs, payload);
      return this.#appended(true);
    }
    const durable = unsavedDeltas(model.backend, journal(model)) === 0;
    if (durable) await this.#reign.write(this.#checkpoint(model, state));
    else this.#install(model, state, this.#used + 1);
    return this.#appended(durable);
  }

  async crash(reason: string): Promise<void> {
    await this.#reign.settle();
    const atMs = this.#settings.clock.nowMs();
    const model = crash(this.#model, reason);
    const failover = this.#failoverAt(checkMs("the time of a crash", atMs));
    const failed = (): void => {
      this.#failover = failover;
    };
    if (this.#keepsJournal) {
      await this.#record(model, this.#state, { kind: "crash_marked", reason }, atMs, NOTHING, failed);
    } else {
      this.#model = model;
      failed();
    }
  }

  /** A failure in a failover that is not over begins no other one: its time counts on, and what was lost stays lost. */
  #failoverAt(atMs: number): NonNullable<KeeperParts<State>["failover"]> {
    const [before, unsaved] = [this.#failover, this.#unsaved];
    if (before === undefined) return { atMs, loss: { events: unsaved, loss: "exact", worst: unsaved } };
    if (this.#model.snapshot.lifecycle === "crashed") return before;
    const { events, loss, worst } = before.loss;
    return { atMs: before.atMs, loss: { events: events + unsaved, loss, worst: worst + unsaved } };
  }

  /** After a crash the state is read from the store, and what is missing there is counted. */
  async restart(): Promise<void> {
    await this.#reign.settle();
    if (this.#model.snapshot.lifecycle === "crashed" && this.#mounted) await this.#readAfterCrash();
    const atMs = this.#settings.clock.nowMs();
    const model = restart(this.#model, atMs);
    // Not before it is certain: a journal may still tell of a live session.
    const mounted = (): void => {
      this.#mounted = true;
    };
    if (this.#keepsJournal) {
      await this.#record(model, this.#state, { kind: "restarted", nowMs: atMs }, atMs, NOTHING, mounted);
    } else {
      this.#model = model;
      mounted();
    }
  }

  async reconnect(options: ReconnectOptions): Promise<SessionContinuity> {
    if (options.failoverAtMs !== undefined) checkMs("failoverAtMs", options.failoverAtMs);
    await this.#reign.settle();
    const { lifecycle } = this.#model.snapshot;
    if (lifecycle === "crashed" || (!this.#mounted && lifecycle !== "disconnected")) await this.restart();
    const { clock, application } = this.#settings;
    const policy = options.policy ?? this.#model.resumePolicy;
    const route = options.route ?? this.#model.snapshot.route;
    if (policy === "rehydrate" && !this.#asRead) await this.#rehydrate();
    const atMs = clock.nowMs();
    const failoverAtMs = options.failoverAtMs ?? this.#failover?.atMs ?? atMs;
    // Where nothing failed, the state in memory is whole, whatever the store has of it.
    const { events, loss } = this.#failover?.loss ?? { events: 0, loss: "exact" };
    const model = reconnect(this.#model, policy, route, atMs);
    const state = policy === "remount" ? application.initial() : this.#state;
    if (this.#keepsJournal) {
      await this.#record(model, state, { kind: "reconnected", policy, route, nowMs: atMs }, atMs);
    } else {
      await this.#reign.write(this.#checkpoint(model, state));
    }
    this.#mounted = true;
    this.#failover = undefined;
    return Object.freeze({ ...judgeContinuity(model, events, failoverAtMs, clock.nowMs()), loss });
  }

  continuityReport(failoverAtMs: number, reconnectAtMs: number): SessionContinuity {
    const { events, loss } = this.#failover?.loss ?? { events: this.#unsaved, loss: "exact" };
    return Object.freeze({ ...judgeContinuity(this.#model, events, failoverAtMs, reconnectAtMs), loss });
  }

  /** Whether entries or bytes ask for a snapshot. */
  get snapshotIsDue(): boolean {
    if (this.#model.backend.kind !== "snapshot_journal" || this.#reign.inDoubt) return false;
    const { entries, bytes } = this.#tail;
    const full = entries >= this.#every || bytes >= this.#settings.limits.snapshotAfterBytes;
    return full && entries >= this.#nextSnapshotAt;
  }

  /**
   * A snapshot of this moment, then truncation of what it covers. A snapshot that fails leaves every entry where it is;
   * one is tried again after as many entries as lead to a snapshot.
   *
   * @throws JournalError; SessionManagerError `backend_unfit`, `not_live` after a crash, `in_doubt`, or the reason for
   * which the reign is over.
   */
  async snapshot(): Promise<{ readonly seq: number }> {
    await this.#reign.settle();
    const seq = this.#seq;
    // What is in memory after a crash was found to be wrong, and must not become what is kept.
    if (this.#model.snapshot.lifecycle === "crashed") throw this.#notLive("and is not kept in a snapshot");
    switch (this.#model.backend.kind) {
      case "journal_only": {
        const message = `session ${JSON.stringify(this.#reign.id)} keeps its journal only; choose snapshotJournal for snapshots`;
        throw new SessionManagerError("backend_unfit", message);
      }
      case "snapshot_only":
        await this.#reign.write(this.#checkpoint(this.#model, this.#state));
        return { seq: this.#seq };
      case "snapshot_journal":
        await this.#coverTail(seq);
        return { seq };
      default:
        return this.#model.backend satisfies never;
    }
  }

  /** Says in the store that the session may be opened elsewhere. */
  async release(release: Release): Promise<void> {
    await this.#reign.settle();
    // With snapshots alone the store knows neither of a crash nor of a loss, and a successor would take this for whole.
    const hidden = this.#model.snapshot.lifecycle === "crashed" && !this.#keepsJournal;
    if (hidden || (this.#failover?.loss.events ?? 0) > 0)
      throw this.#notLive("and its store has not heard of what that cost");
    const step = this.#keepsJournal
      ? await this.#entryStep({ kind: "release", atMs: this.#settings.clock.nowMs(), release }, () => {})
      : this.#checkpoint(this.#model, this.#state, release);
    await this.#reign.write(step);
  }

  get #keepsJournal(): boolean {
    return this.#model.backend.kind !== "snapshot_only";
  }

  get #unsaved(): number {
    return unsavedDeltas(this.#model.backend, journal(this.#model));
  }

  get #every(): number {
    return this.#model.backend.kind === "journal_only" ? Number.MAX_SAFE_INTEGER : this.#model.backend.checkpointEvery;
  }

  #appended(durable: boolean): Appended {
    return { epoch: this.#reign.claim.epoch, seq: this.#seq, durable };
  }

  async #record(
    model: DurableSession,
    state: State,
    entry: JournalEntry,
    atMs: number,
    payload: Uint8Array = NOTHING,
    also: () => void = () => {},
  ): Promise<void> {
    const install = (): void => {
      this.#install(model, state, this.#seq + 1);
      also();
    };
    await this.#reign.write(await this.#entryStep({ kind: "entry", atMs, entry, payload }, install));
  }

  async #entryStep(record: StoredRecord, install: () => void): Promise<Step> {
    const { id, claim, journal: store } = this.#reign;
    const seq = this.#seq + 1;
    const bytes = encodeRecord(record);
    const ts = this.#settings.stampEntries ? await freshTimestamp(this.#settings) : claim.epoch;
    this.#reign.signal.throwIfAborted();
    return {
      seq,
      send: () => store.append(id, claim, seq, bytes, ts),
      isIn: ({ entries }) =>
        entries.some((one) => one.seq === seq && one.epoch === claim.epoch && sameBytes(one.entry, bytes)),
      install: () => {
        const entries = record.kind === "entry" && record.entry.kind === "counter_delta" ? 1 : 0;
        this.#tail = { entries: this.#tail.entries + entries, bytes: this.#tail.bytes + bytes.length };
        install();
      },
    };
  }

  /**
   * A snapshot beyond the journal. Each has a number of its own: a write that comes late must never replace a newer one
   * of the same number.
   */
  #checkpoint(model: DurableSession, state: State, release?: Release): Step {
    const { id, claim, journal: store } = this.#reign;
    const seq = this.#used + 1;
    const bytes = this.#snapshotBytes(model, state, release);
    return {
      seq,
      send: () => store.putSnapshot(id, claim, seq, bytes, { ahead: true }),
      isIn: ({ snapshot }: JournalState) => snapshot?.seq === seq && sameBytes(snapshot.bytes, bytes),
      install: () => {
        this.#install(compact(model), state, seq);
        this.#tell({ kind: "snapshot_taken", alarm: false, seq });
      },
    };
  }

  #install(model: DurableSession, state: State, seq: number): void {
    const known = this.#keepsJournal && model.journalRev.length > HISTORY_IN_MEMORY;
    this.#model = known ? withoutHistory(model) : model;
    this.#state = state;
    this.#seq = seq;
    this.#used = seq;
  }

  #snapshotBytes(model: DurableSession, state: State, release?: Release): Uint8Array {
    const origin = { ...this.#origin, unreported: this.#failover?.loss.worst ?? 0 };
    return encodeSnapshot(model, origin, this.#settings.application.encodeState(state), release);
  }

  async #coverTail(seq: number): Promise<void> {
    const { id, claim, journal: store } = this.#reign;
    try {
      const bytes = this.#snapshotBytes(this.#model, this.#state);
      await this.#reign.ask(() => store.putSnapshot(id, claim, seq, bytes));
    } catch (cause) {
      this.#nextSnapshotAt = this.#tail.entries + this.#every;
      this.#tell({ kind: "snapshot_failed", alarm: false, seq, cause });
      throw cause;
    }
    this.#model = compact(this.#model);
    this.#tail = { entries: 0, bytes: 0 };
    this.#nextSnapshotAt = 0;
    this.#tell({ kind: "snapshot_taken", alarm: false, seq });
    try {
      await this.#reign.ask(() => store.truncateThrough(id, claim, seq));
      this.#tell({ kind: "truncated", alarm: false, seq });
    } catch (cause) {
      // The snapshot stands; what it covers goes with the next truncation.
      this.#tell({ kind: "truncation_failed", alarm: false, seq, cause });
      this.#reign.signal.throwIfAborted();
    }
  }

  async #readAfterCrash(): Promise<void> {
    const found = await this.#load();
    const lost = this.#seq - found.seq;
    const unsaved = this.#unsaved;
    if (lost !== unsaved) throw this.#diverged(`${lost} entries are missing, and ${unsaved} were to be lost`);
    const recovered = asKept(found.session(this.#reign.fence));
    // With snapshots alone the store has not heard of the crash.
    const crashed = this.#keepsJournal ? recovered : crash(recovered, "read back after a crash");
    this.#adopt(found, crashed);
    // What this reign writes from here on is another part of it than what was lost.
    if (lost > 0) this.#origin = { from: this.#used + 1, lineage: found.lineage };
  }

  async #rehydrate(): Promise<void> {
    if (!this.#keepsJournal) await this.#reign.write(this.#checkpoint(this.#model, this.#state));
    const found = await this.#load();
    const rebuilt = found.session(this.#reign.fence);
    if (found.seq !== this.#seq) throw this.#diverged(`its newest entry is ${found.seq}, and ${this.#seq} was written`);
    if (!sameState(rebuilt.snapshot, this.#model.snapshot)) throw this.#diverged("it leads to another state");
    this.#adopt(found, this.#model);
  }

  async #load(): Promise<ReadJournal<State, Entry>> {
    const { id, claim, journal: store } = this.#reign;
    const loaded = await this.#reign.ask(async () => {
      const state = await store.load(id);
      // What another owner wrote is of no use here: hear it from the store that this reign is over.
      if (state.fence.epoch !== claim.epoch) await store.takeover(id, claim);
      return state;
    });
    return readJournal(id, loaded, this.#settings);
  }

  #adopt(found: ReadJournal<State, Entry>, model: DurableSession): void {
    this.#model = model;
    this.#state = found.state;
    this.#seq = found.seq;
    this.#asRead = true;
  }

  #notLive(why: string): SessionManagerError {
    const { lifecycle } = this.#model.snapshot;
    const state = !this.#mounted ? "taken over" : lifecycle === "live" ? "live again, but not reported," : lifecycle;
    const message = `session ${JSON.stringify(this.#reign.id)} is ${state} ${why}; reconnect first`;
    return new SessionManagerError("not_live", message);
  }

  #diverged(why: string): SessionError {
    const id = JSON.stringify(this.#reign.id);
    return new SessionError(
      "state_diverged",
      `expected the journal of session ${id} to hold what was acknowledged: ${why}`,
    );
  }
}

/**
 * A session that was just read. With snapshots alone entries in memory are taken for ones that no snapshot has yet, and
 * those that an owner with a journal left behind are none of them.
 */
function asKept(read: DurableSession): DurableSession {
  return read.backend.kind === "snapshot_only" ? withoutHistory(read) : read;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.from(left.buffer, left.byteOffset, left.length).equals(right);
}
