// SPDX-License-Identifier: Apache-2.0
import type { OwnershipFence } from "@tsoracle/fencing";
import { checkDeadline, checkId } from "../checked.ts";
import type { DurableSession } from "../durable-session.ts";
import type { LifecycleState } from "../state.ts";
import type { Release } from "./envelope.ts";
import type { ManagerSettings } from "./options.ts";
import type {
  Appended,
  AppendOptions,
  HandOff,
  HandOffOptions,
  OwnedSession,
  ReconnectOptions,
  Recovery,
  SessionContinuity,
} from "./owned-session.ts";
import type { Reign } from "./reign.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import { SessionManagerError } from "./session-manager-error.ts";
import { Turns } from "./turns.ts";

/** How long a session may take to leave, unless somebody says otherwise. */
export const HAND_OFF_MS = 5_000;

/** What an application holds of its session: lets one call after the other to the keeper, as long as the reign lasts. */
export class SessionHandle<State, Entry> implements OwnedSession<State, Entry> {
  readonly id: string;
  readonly recovery: Recovery<State, Entry>;
  readonly #settings: ManagerSettings<State, Entry>;
  readonly #reign: Reign;
  readonly #keeper: SessionKeeper<State, Entry>;
  readonly #turns: Turns;
  #continuity: SessionContinuity | undefined;
  /** Set from the moment on at which no new calls are taken. */
  #leaving: { readonly reason: SessionManagerError; readonly done: Promise<HandOff> } | undefined;

  constructor(
    settings: ManagerSettings<State, Entry>,
    reign: Reign,
    keeper: SessionKeeper<State, Entry>,
    recovery: Recovery<State, Entry>,
  ) {
    this.id = reign.id;
    this.recovery = recovery;
    this.#settings = settings;
    this.#reign = reign;
    this.#keeper = keeper;
    this.#turns = new Turns(settings.limits.maxWaiting);
    reign.signal.addEventListener("abort", () => this.#turns.refuseAll(reign.signal.reason), { once: true });
  }

  get fence(): OwnershipFence {
    return this.#reign.fence;
  }
  get signal(): AbortSignal {
    return this.#reign.signal;
  }
  get state(): State {
    return this.#keeper.state;
  }
  get seq(): number {
    return this.#keeper.seq;
  }
  get lifecycle(): LifecycleState {
    return this.#keeper.model.snapshot.lifecycle;
  }
  get route(): string {
    return this.#keeper.model.snapshot.route;
  }
  get model(): DurableSession {
    return this.#keeper.model;
  }
  get continuity(): SessionContinuity | undefined {
    return this.#continuity;
  }

  async append(entry: Entry, { delta = 1, signal }: AppendOptions = {}): Promise<Appended> {
    this.#mayCall();
    // Now: what the caller does to its entry later is not in it.
    const payload = Uint8Array.from(this.#settings.application.encodeEntry(entry));
    return await this.#turn(async () => {
      try {
        return await this.#keeper.append(payload, delta);
      } finally {
        this.#snapshotIfDue();
      }
    }, signal);
  }

  snapshot(): Promise<{ readonly seq: number }> {
    return this.#turn(() => this.#keeper.snapshot());
  }

  crash(reason: string): Promise<void> {
    return this.#turn(() => this.#keeper.crash(reason));
  }

  restart(): Promise<void> {
    return this.#turn(() => this.#keeper.restart());
  }

  async reconnect(options: ReconnectOptions = {}): Promise<SessionContinuity> {
    this.#continuity = await this.#turn(() => this.#keeper.reconnect(options));
    return this.#continuity;
  }

  continuityReport(failoverAtMs: number, reconnectAtMs: number = this.#settings.clock.nowMs()): SessionContinuity {
    return this.#keeper.continuityReport(failoverAtMs, reconnectAtMs);
  }

  async confirm(): Promise<void> {
    const { id, claim, journal } = this.#reign;
    await this.#turn(() => this.#reign.ask(() => journal.takeover(id, claim)));
  }

  settle(): Promise<"nothing" | "written"> {
    return this.#turn(() => this.#reign.settle());
  }

  async handOff(node: string, options: HandOffOptions = {}): Promise<HandOff> {
    checkId("the successor", node);
    const reason = new SessionManagerError(
      "handed_off",
      `session ${JSON.stringify(this.id)} was handed to node ${JSON.stringify(node)}`,
    );
    return await this.#leave({ to: node }, reason, options);
  }

  async close(options: HandOffOptions = {}): Promise<HandOff> {
    const reason = new SessionManagerError("closed", `session ${JSON.stringify(this.id)} was closed here`);
    return await this.#leave({}, reason, options);
  }

  abandon(): void {
    this.#reign.end(new SessionManagerError("abandoned", `session ${JSON.stringify(this.id)} was abandoned here`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.signal.aborted) await this.close();
  }

  async #turn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#mayCall();
    return await this.#turns.run(work, signal);
  }

  #mayCall(): void {
    this.signal.throwIfAborted();
    if (this.#leaving !== undefined) throw this.#leaving.reason;
  }

  /** Between two entries, so that the snapshot is of one moment; the entry before it is acknowledged already. */
  #snapshotIfDue(): void {
    if (!this.#keeper.snapshotIsDue || this.signal.aborted) return;
    const taken = this.#turns.next(() => this.#keeper.snapshot());
    // Told as an event; every entry is where it was.
    taken.catch(() => {});
  }

  /** A session leaves once; later calls get the answer of the first, or its reason if the session was lost otherwise. */
  #leave(
    release: Release,
    reason: SessionManagerError,
    { deadlineMs = HAND_OFF_MS }: HandOffOptions,
  ): Promise<HandOff> {
    checkDeadline(deadlineMs);
    if (this.#leaving !== undefined) return this.#leaving.done;
    if (this.signal.aborted) return Promise.reject(this.signal.reason);
    const done = this.#drainAndRelease(release, deadlineMs).finally(() => this.#reign.end(reason));
    this.#leaving = { reason, done };
    return done;
  }

  async #drainAndRelease(release: Release, deadlineMs: number): Promise<HandOff> {
    let snapshot = false;
    let stop = (): void => {};
    const late = new Promise<HandOff>((resolve) => {
      stop = this.#settings.timers.after(deadlineMs, () => {
        const cause = new SessionManagerError("in_doubt", `the session was not let go within ${deadlineMs} ms`);
        resolve({ released: false, snapshot, cause });
      });
    });
    const released = this.#turns
      .last(async () => {
        snapshot = await this.#lastSnapshot();
        await this.#keeper.release(release);
        // With snapshots alone the release is one.
        snapshot ||= this.#keeper.model.backend.kind === "snapshot_only";
      })
      .then(
        () => ({ released: true, snapshot }),
        (cause: unknown) => ({ released: false, snapshot, cause }),
      );
    try {
      return Object.freeze(await Promise.race([released, late]));
    } finally {
      stop();
    }
  }

  /** Makes the successor's recovery short. Where it fails, the entries tell the same. */
  async #lastSnapshot(): Promise<boolean> {
    if (this.#keeper.model.backend.kind !== "snapshot_journal") return false;
    return await this.#keeper.snapshot().then(
      () => true,
      () => false,
    );
  }
}
