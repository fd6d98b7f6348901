// SPDX-License-Identifier: Apache-2.0
import type { JournalFence } from "@tsoracle/consensus";
import type { TakeoverRequest } from "@tsoracle/fencing";
import { checkDeadline, checkEpoch, checkId, checkInteger, checkMs, checkText } from "../checked.ts";
import type { DurableSession } from "../durable-session.ts";
import { type Acquired, Acquisition } from "./acquire.ts";
import type { Release } from "./envelope.ts";
import { claimOf, freshTimestamp } from "./fresh-timestamp.ts";
import { knownLoss } from "./known-loss.ts";
import { type ManagerSettings, managerSettings, type SessionManagerOptions } from "./options.ts";
import type { HandOff, HandOffOptions, OpenOptions, OwnedSession, TakeoverOptions } from "./owned-session.ts";
import { modelFence, readJournal } from "./read-journal.ts";
import { Reign, type Tell } from "./reign.ts";
import type { SessionEvent } from "./session-event.ts";
import { HAND_OFF_MS, SessionHandle } from "./session-handle.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { SessionManagerError } from "./session-manager-error.ts";

/** What a journal tells to somebody who does not own it. */
export interface SessionView<State> {
  /** Who may write. */
  readonly owner: JournalFence;
  readonly seq: number;
  readonly state: State;
  readonly model: DurableSession;
  /** Where the owner has let it go: to whom, or to anybody. */
  readonly release: Release | undefined;
}

export interface CloseManagerOptions extends HandOffOptions {
  /** The node that is to have the sessions. @defaultValue whichever opens them */
  readonly to?: string | undefined;
  /** How many sessions are handed off at a time. @defaultValue 16 */
  readonly concurrency?: number | undefined;
}

/** Taken as soon as a session is asked for; without a handle while it is being opened. */
interface Place<State, Entry> {
  handle?: SessionHandle<State, Entry>;
  /** Resolves when the opening has ended, whichever way. */
  opening?: Promise<unknown>;
  /** How the session was let go, or that it was not, because the manager was closed while it was being opened. */
  left?: HandOff;
}

/** What a session that leaves with its manager is let go to, and how long it may take. */
interface Leaving extends HandOffOptions {
  readonly to?: string | undefined;
}

/**
 * The sessions of one node: opens them, takes them over, recovers them, and lets them go. Every takeover has an epoch
 * that nobody used before, and the store checks it with every write, so that an owner that was deposed while it slept
 * writes nothing when it wakes. The rules are those of the model; the manager feeds it and keeps what it says.
 * Source: `fencing-quorum-sessions.md` 4.7.
 */
export class SessionManager<State, Entry> implements AsyncDisposable {
  readonly #settings: ManagerSettings<State, Entry>;
  readonly #sessions = new Map<string, Place<State, Entry>>();
  /** Set from the moment on at which nothing is opened any more. */
  #leaving: Leaving | undefined;

  /** @throws SessionError for an option out of its range. */
  constructor(options: SessionManagerOptions<State, Entry>) {
    this.#settings = managerSettings(options);
  }

  get node(): string {
    return this.#settings.node;
  }

  /** The sessions that are open here. */
  get sessions(): readonly OwnedSession<State, Entry>[] {
    return [...this.#sessions.values()].flatMap(({ handle }) => (handle === undefined ? [] : [handle]));
  }

  /**
   * Makes the session, or opens one that nobody else has: that was closed, that was handed to this node, or that an
   * earlier process of this node left behind.
   *
   * @throws SessionManagerError `owned_elsewhere`, `already_open`, `oracle_unavailable`, `stale_owner`, `reused_epoch`,
   * `unreadable`, `queue_full`, `closed`; from the reconnect `uncertain`, and `fenced`, `split_brain`, `out_of_step` or
   * `store_failed` where the session was lost again; JournalError; SessionError.
   */
  async open(id: string, options: OpenOptions = {}): Promise<OwnedSession<State, Entry>> {
    const route = checkText("the route", options.route ?? "");
    return await this.#acquire(id, options, (acquisition) => acquisition.open(route));
  }

  /**
   * Takes the session from whoever has it, by a claim with a fresh epoch. The owner before it learns of it with its next
   * write, which is refused. Decide first that it is gone or should go: this asks nobody.
   *
   * @throws as `open`, except for `owned_elsewhere`; SessionManagerError `forged_claim`, `forged_token`, `wrong_hmac`; JournalError `unknown_session`.
   */
  async takeover(id: string, options: TakeoverOptions = {}): Promise<OwnedSession<State, Entry>> {
    return await this.#acquire(id, options, (acquisition) => acquisition.takeover(options.claim));
  }

  /** A claim with a fresh epoch, for this node or for another. @throws SessionManagerError `oracle_unavailable`. */
  async claimFor(id: string, owner: string = this.node): Promise<TakeoverRequest> {
    checkId("the owner", owner);
    return claimOf(checkId("the session id", id), owner, this.#settings.tokens, await freshTimestamp(this.#settings));
  }

  /** What the store holds of a session, whoever owns it. @throws JournalError; SessionManagerError `unreadable`. */
  async inspect(id: string): Promise<SessionView<State>> {
    const loaded = await this.#settings.journal.load(id);
    const read = readJournal(id, loaded, this.#settings);
    const model = read.session(modelFence(id, read.fence, this.#settings));
    return Object.freeze({ owner: read.fence, seq: read.seq, state: read.state, model, release: read.release });
  }

  /**
   * Lets all sessions go, and opens no more. Those that the store does not answer for within the deadline are dropped;
   * their ids are with the answers that say so. A session that is still being opened is waited for as long: its opening
   * rejects as `closed`, before it claims the session or after it has let it go, or with the error that ended
   * it; where that leaves the session owned by this node, the answers name it. Options out of their range are refused,
   * and nothing is closed.
   */
  async close(options: CloseManagerOptions = {}): Promise<ReadonlyMap<string, HandOff>> {
    const { to, concurrency = 16, ...each } = options;
    if (to !== undefined) checkId("the successor", to);
    if (each.deadlineMs !== undefined) checkDeadline(each.deadlineMs);
    checkInteger("concurrency", concurrency, 1, 2 ** 16);
    const leaving = { ...each, to };
    this.#leaving ??= leaving;
    const answers = new Map<string, HandOff>();
    const openings = [...this.#sessions].map(async ([id, place]) => {
      const left = place.handle === undefined ? await this.#openingEnded(place, each.deadlineMs) : undefined;
      if (left !== undefined) answers.set(id, left);
    });
    const waiting = this.sessions.filter(({ signal }) => !signal.aborted).values();
    const worker = async (): Promise<void> => {
      for (const session of waiting) {
        answers.set(session.id, await letGo(session, leaving));
      }
    };
    await Promise.all([...Array.from({ length: concurrency }, worker), ...openings]);
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #acquire(
    id: string,
    options: OpenOptions,
    how: (acquisition: Acquisition<State, Entry>) => Promise<Acquired<State, Entry>>,
  ): Promise<OwnedSession<State, Entry>> {
    checkId("the session id", id);
    checkOpening(options);
    const place = this.#reserve(id);
    const opening = this.#opened(id, place, options, how);
    place.opening = opening.catch(() => {});
    return await opening;
  }

  async #opened(
    id: string,
    place: Place<State, Entry>,
    options: OpenOptions,
    how: (acquisition: Acquisition<State, Entry>) => Promise<Acquired<State, Entry>>,
  ): Promise<OwnedSession<State, Entry>> {
    const tell = this.#teller(id);
    const acquisition = new Acquisition(id, this.#settings, tell, () => this.#mayOpen());
    try {
      const startedAtMs = this.#settings.clock.nowMs();
      const acquired = await how(acquisition);
      const handle = this.#handle(id, acquired, options, startedAtMs, tell);
      if (this.#leaving !== undefined) place.left = await letGo(handle, this.#leaving);
      this.#mayOpen();
      place.handle = handle;
      handle.signal.addEventListener("abort", () => this.#vacate(id, place), { once: true });
      if (!acquired.created && (options.reconnect ?? true)) await handle.reconnect({ route: options.route });
      this.#mayOpen();
      handle.signal.throwIfAborted();
      return handle;
    } catch (error) {
      // Whoever asked has no handle, so the session must not stay behind as if it were in use.
      if (this.#leaving === undefined) place.handle?.abandon();
      else if (place.handle !== undefined) await letGo(place.handle, this.#leaving);
      else if (acquisition.mayHave) place.left ??= { released: false, snapshot: false, cause: error };
      this.#vacate(id, place);
      throw error;
    }
  }

  /** Resolves to how the session was let go, if it was; to that it is not known if the opening takes too long. */
  async #openingEnded(place: Place<State, Entry>, deadlineMs: number = HAND_OFF_MS): Promise<HandOff | undefined> {
    let stop = (): void => {};
    const late = new Promise<HandOff>((resolve) => {
      stop = this.#settings.timers.after(deadlineMs, () => {
        const cause = new SessionManagerError("in_doubt", `the session was not opened within ${deadlineMs} ms`);
        resolve({ released: false, snapshot: false, cause });
      });
    });
    const ended = Promise.resolve(place.opening).then(() => place.left);
    return await Promise.race([ended, late]).finally(stop);
  }

  #mayOpen(): void {
    if (this.#leaving !== undefined) throw new SessionManagerError("closed", "this manager was closed; make another");
  }

  /** Somebody may have opened the session anew since; that place is not this one. */
  #vacate(id: string, place: Place<State, Entry>): void {
    if (this.#sessions.get(id) === place) this.#sessions.delete(id);
  }

  /** An observer that throws must not turn what was written into a refusal: its error surfaces as uncaught. */
  #teller(id: string): Tell {
    const { onEvent } = this.#settings;
    return (event) => {
      try {
        onEvent(Object.freeze({ ...event, sessionId: id }) as SessionEvent);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    };
  }

  #reserve(id: string): Place<State, Entry> {
    this.#mayOpen();
    if (this.#sessions.has(id)) {
      throw new SessionManagerError("already_open", `session ${JSON.stringify(id)} is open here already`);
    }
    const { maxSessions } = this.#settings.limits;
    if (this.#sessions.size >= maxSessions) {
      throw new SessionManagerError("queue_full", `${maxSessions} sessions are open here; close some, or allow more`);
    }
    const place: Place<State, Entry> = {};
    this.#sessions.set(id, place);
    return place;
  }

  #handle(
    id: string,
    acquired: Acquired<State, Entry>,
    options: OpenOptions,
    startedAtMs: number,
    tell: Tell,
  ): SessionHandle<State, Entry> {
    const { created, fence, model, found, cleanly, previousOwner } = acquired;
    const reign = new Reign(id, fence, this.#settings, tell);
    const atMs = options.failoverAtMs ?? startedAtMs;
    const failover = created ? undefined : { atMs, loss: knownLoss(found, cleanly, options.acknowledged) };
    const tail = { entries: found.entries.length, bytes: found.tailBytes };
    const { state, seq, snapshotSeq, snapshotState, entries } = found;
    const origin = created ? { from: 0, lineage: [] } : { from: seq + 1, lineage: found.lineage };
    const keeper = new SessionKeeper(this.#settings, reign, tell, { model, state, seq, origin, failover, tail });
    const recovery = Object.freeze({ created, snapshotSeq, snapshotState, entries, previousOwner });
    return new SessionHandle(this.#settings, reign, keeper, recovery);
  }
}

async function letGo<State, Entry>(session: OwnedSession<State, Entry>, { to, ...each }: Leaving): Promise<HandOff> {
  const leave = to === undefined ? session.close(each) : session.handOff(to, each);
  return await leave.catch((cause: unknown) => ({ released: false, snapshot: false, cause }));
}

/** Before anything is asked of the store: what is refused here must not have cost another node its session. */
function checkOpening({ route, failoverAtMs, acknowledged }: OpenOptions): void {
  if (route !== undefined) checkText("the route", route);
  if (failoverAtMs !== undefined) checkMs("failoverAtMs", failoverAtMs);
  if (acknowledged === undefined) return;
  checkEpoch("acknowledged.epoch", acknowledged?.epoch, 1n);
  checkInteger("acknowledged.seq", acknowledged.seq, 0, Number.MAX_SAFE_INTEGER);
}
