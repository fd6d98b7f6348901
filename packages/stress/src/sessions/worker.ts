// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import {
  journalOnly,
  type OwnedSession,
  type PersistenceBackend,
  plainTokens,
  SessionError,
  SessionManager,
  SessionManagerError,
  snapshotJournal,
  type TimestampSource,
} from "@tsoracle/session";
import type { Random } from "../random.ts";
import type { CallOutcome } from "./call.ts";
import { CONTINUITY_BUDGET_MS } from "./continuity-budget.ts";
import { type EntryText, numberedEntries, writeEntry } from "./entry.ts";
import { Limiter } from "./limiter.ts";
import { nodeName, workerOf } from "./messages.ts";
import { GONE_AFTER_MS, type Presence } from "./presence.ts";
import type { Recorder } from "./recorder.ts";

/** Entries between two snapshots, where a session has snapshots. */
const CHECKPOINT_EVERY = 16;
const REST_MS = [200, 400] as const;
const IDLE_MS = [80, 160] as const;
/** Sessions that change hands at a time. */
const MOVES = 8;

type State = readonly EntryText[];
type Owned = OwnedSession<State, EntryText>;
type Manager = SessionManager<State, EntryText>;

export interface WorkerParts {
  readonly worker: number;
  /** Of this start: `1.2`. */
  readonly caller: string;
  readonly journal: FencedJournal;
  readonly timestamps: TimestampSource;
  readonly presence: Presence;
  readonly recorder: Recorder;
  readonly random: Random;
  /** Gets what should not happen in a sound system. */
  readonly alarm: (session: string, what: string) => void;
}

/** How a session can become this worker's, and since when it was without an owner, by the wall clock. */
interface Way {
  readonly kind: "open" | "reopen" | "takeover";
  readonly failoverAtMs?: number | undefined;
}

/**
 * One node of an application with sessions: appends to those that it owns, takes those over whose owner it sees gone, and
 * hands on those that should be another's. It believes that it owns a session until the session itself says otherwise.
 */
export class Worker {
  readonly #parts: WorkerParts;
  /** With snapshots, and with the journal alone. */
  readonly #managers: readonly Manager[];
  readonly #owned = new Map<string, Owned>();
  /** Sessions that were let go to another: since when this worker knows it. */
  readonly #released = new Map<string, { readonly epoch: bigint; readonly sinceMs: number }>();
  readonly #moves = new Limiter(MOVES);
  readonly #stop = new AbortController();
  /** Sessions that this start has lost, or failed to get: since when. */
  readonly #awaySinceMs = new Map<string, number>();
  /** When the start before this one was last heard of. */
  readonly #formerBeatMs: number | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#formerBeatMs = parts.presence.lastBeatMs(parts.worker);
    const { name } = parts.journal;
    this.#managers = [snapshotJournal(name, name, CHECKPOINT_EVERY), journalOnly(name)].map((backend) =>
      managerFor(parts, backend),
    );
  }

  /** Tends the sessions until {@link stop}, then lets all of them go. */
  async run(sessions: readonly string[]): Promise<void> {
    await Promise.all(sessions.map((id, index) => this.#tend(id, index)));
    await Promise.all(this.#managers.map((manager) => manager.close()));
  }

  /** Every call that has begun is waited for. */
  stop(): void {
    this.#stop.abort();
  }

  async #tend(id: string, index: number): Promise<void> {
    const { presence, worker } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const wanted = presence.whoseTurn(index);
      const session = this.#owned.get(id);
      if (session === undefined) {
        if (wanted === worker) await this.#moves.run(() => this.#acquire(id, index));
      } else if (wanted === worker) {
        await this.#append(session);
      } else {
        await this.#moves.run(() => this.#handOn(session, wanted));
      }
      await this.#rest(this.#owned.has(id) ? REST_MS : IDLE_MS);
    }
  }

  async #acquire(id: string, index: number): Promise<void> {
    const manager = this.#managers[index % this.#managers.length];
    if (manager === undefined || this.#stop.signal.aborted) return;
    const way = await this.#wayTo(manager, id).catch((error: unknown) => void codeOf(error));
    if (way === undefined) return;
    const { kind, failoverAtMs = Date.now() } = way;
    const end = this.#parts.recorder.begin(kind, id);
    try {
      const options = { failoverAtMs };
      const session = await (kind === "takeover" ? manager.takeover(id, options) : manager.open(id, options));
      this.#keep(session);
      end(owned(session));
    } catch (error) {
      // The next try goes on from here, if this one made it the owner all the same.
      this.#awaySinceMs.set(id, failoverAtMs);
      end(failureOf(error));
    }
  }

  #keep(session: Owned): void {
    const { id, signal } = session;
    this.#awaySinceMs.delete(id);
    this.#owned.set(id, session);
    const drop = (): void => {
      this.#owned.delete(id);
      this.#awaySinceMs.set(id, Date.now());
    };
    if (signal.aborted) drop();
    else signal.addEventListener("abort", drop, { once: true });
  }

  /** Looks who has the session; undefined while that one is live and keeps it. */
  async #wayTo(manager: Manager, id: string): Promise<Way | undefined> {
    const { presence, worker } = this.#parts;
    const view = await manager.inspect(id).catch((error: unknown) => {
      if (error instanceof JournalError && error.code === "unknown_session") return undefined;
      throw error;
    });
    if (view === undefined) return { kind: "open" };
    const owner = workerOf(view.owner.owner);
    if (view.release !== undefined) {
      const { to } = view.release;
      if (to === undefined || to === nodeName(worker)) return { kind: "open" };
      return this.#isForgotten(id, to, view.owner.epoch) ? { kind: "takeover" } : undefined;
    }
    if (owner === worker) return { kind: "reopen", failoverAtMs: this.#awaySinceMs.get(id) ?? this.#formerBeatMs };
    if (owner === undefined || presence.isLive(owner)) return undefined;
    return { kind: "takeover", failoverAtMs: presence.lastBeatMs(owner) };
  }

  /** Whether a session was let go to somebody who has not come for it: who that should be has changed meanwhile. */
  #isForgotten(id: string, to: string, epoch: bigint): boolean {
    const heir = workerOf(to);
    if (heir === undefined || !this.#parts.presence.isLive(heir)) return true;
    const known = this.#released.get(id);
    if (known?.epoch === epoch) return performance.now() - known.sinceMs > GONE_AFTER_MS;
    this.#released.set(id, { epoch, sinceMs: performance.now() });
    return false;
  }

  async #append(session: Owned): Promise<void> {
    const { recorder, caller } = this.#parts;
    const { epoch } = session.fence;
    const id = `${caller}.${recorder.nextCall}`;
    const text = writeEntry({ id, epoch, number: session.state.length + 1 });
    const end = recorder.begin("append", session.id, text);
    try {
      const { seq } = await session.append(text);
      end({ kind: "appended", seq });
    } catch (error) {
      end(failureOf(error));
      await this.#untilSettled(session);
    }
  }

  /** The number of the next entry depends on whether an uncertain one is there. */
  async #untilSettled(session: Owned): Promise<void> {
    while (!session.signal.aborted && !this.#stop.signal.aborted) {
      try {
        await session.settle();
        return;
      } catch (error) {
        codeOf(error);
        await this.#rest(IDLE_MS);
      }
    }
  }

  async #handOn(session: Owned, to: number): Promise<void> {
    if (session.signal.aborted || this.#stop.signal.aborted) return;
    const end = this.#parts.recorder.begin("hand_off", session.id);
    try {
      const { released, cause } = await session.handOff(nodeName(to));
      end(released ? { kind: "released" } : { kind: "unknown", code: codeOf(cause) });
    } catch (error) {
      end(failureOf(error));
    }
  }

  #rest([least, most]: readonly [number, number]): Promise<void> {
    const { signal } = this.#stop;
    return sleep(this.#parts.random.between(least, most), undefined, { signal }).catch(() => {});
  }
}

function managerFor(parts: WorkerParts, backend: PersistenceBackend): Manager {
  return new SessionManager<State, EntryText>({
    journal: parts.journal,
    timestamps: parts.timestamps,
    node: nodeName(parts.worker),
    tokens: plainTokens,
    backend,
    application: numberedEntries,
    continuitySloMs: CONTINUITY_BUDGET_MS,
    onEvent: (event) => {
      if (event.alarm) parts.alarm(event.sessionId, "error" in event ? alarmText(event.error) : event.kind);
    },
  });
}

const alarmText = (error: unknown): string => (error instanceof Error ? error.message : JSON.stringify(error));

function owned({ fence, recovery, continuity }: Owned): CallOutcome {
  const { created } = recovery;
  const reported =
    continuity === undefined
      ? undefined
      : { latencyMs: continuity.reconnectLatencyMs, loss: continuity.estimatedDataLossEvents, met: continuity.met };
  return { kind: "owned", epoch: fence.epoch, created, continuity: reported };
}

function failureOf(error: unknown): CallOutcome {
  const code = codeOf(error);
  return { kind: code.endsWith("uncertain") ? "unknown" : "refused", code };
}

/** Where an error comes from, and its code. @throws the error itself, if the product has none like it. */
function codeOf(error: unknown): string {
  if (error instanceof SessionManagerError) return error.code;
  if (error instanceof JournalError) return `store ${error.code}`;
  if (error instanceof SessionError) return `model ${error.code}`;
  throw error;
}
