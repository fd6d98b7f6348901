// SPDX-License-Identifier: Apache-2.0
import { JournalError, type JournalFence, type JournalState } from "@tsoracle/consensus";
import type { OwnershipFence, TakeoverRequest } from "@tsoracle/fencing";
import type { DurableSession } from "../durable-session.ts";
import { ownershipErrorLabel } from "../labels.ts";
import type { OwnershipError } from "../ownership-error.ts";
import { SessionError } from "../session-error.ts";
import { start } from "../start.ts";
import { requestTakeover } from "../takeover.ts";
import { encodeSnapshot, type SnapshotOrigin } from "./envelope.ts";
import { claimOf, freshTimestamp } from "./fresh-timestamp.ts";
import type { ManagerSettings } from "./options.ts";
import { modelFence, type ReadJournal, readJournal } from "./read-journal.ts";
import type { Tell } from "./reign.ts";
import { SessionManagerError, type SessionManagerErrorCode } from "./session-manager-error.ts";
import { untilKnown } from "./store-trouble.ts";

/** A session that was just made ours, and what was in its journal. */
export interface Acquired<State, Entry> {
  readonly created: boolean;
  readonly fence: OwnershipFence;
  readonly model: DurableSession;
  readonly found: ReadJournal<State, Entry>;
  /** Whether the owner before let it go in order, so that nothing can be missing. */
  readonly cleanly: boolean;
  readonly previousOwner: string | undefined;
}

/** Opened and let go by others between a look and a claim more often than this, a session is busy. */
const MOST_LOOKS = 8;

const FIRST_ORIGIN: SnapshotOrigin = Object.freeze({ from: 0, lineage: [], unreported: 0 });

/**
 * Ways to become the owner of one session. Each asks the model first, then the oracle, and writes to the store last: what
 * fails before that leaves nothing behind.
 */
export class Acquisition<State, Entry> {
  readonly #id: string;
  readonly #settings: ManagerSettings<State, Entry>;
  readonly #tell: Tell;
  readonly #mayWrite: () => void;
  #mayHave = false;

  /** @param mayWrite asked right before anything is written; throws if it may not be any more */
  constructor(id: string, settings: ManagerSettings<State, Entry>, tell: Tell, mayWrite: () => void) {
    this.#id = id;
    this.#settings = settings;
    this.#tell = tell;
    this.#mayWrite = mayWrite;
  }

  /** Whether the store may name this node as the owner because of this, also where the opening has failed since. */
  get mayHave(): boolean {
    return this.#mayHave;
  }

  /** Makes the session, or takes it where nobody else has it: from the owner that let it go, and from nobody after it. */
  async open(route: string): Promise<Acquired<State, Entry>> {
    const loaded = await this.#loadIfAny();
    if (loaded === undefined) {
      const created = await this.#create(route);
      if (created !== undefined) return created;
    }
    for (let look = 1, state = loaded; ; look += 1, state = undefined) {
      const found = readJournal(this.#id, state ?? (await this.#load()), this.#settings);
      this.#mayOpen(found);
      try {
        return await this.#claim(found, undefined, found.fence.epoch);
      } catch (error) {
        if (!isFenced(error)) throw error;
        // Another node was faster. It has the session now, or has let it go again.
        if (look >= MOST_LOOKS)
          throw this.#elsewhere("other nodes open and close", error.current ?? found.fence, error);
      }
    }
  }

  /** Takes the session from whoever has it. */
  async takeover(claim: TakeoverRequest | undefined): Promise<Acquired<State, Entry>> {
    const { node } = this.#settings;
    if (claim !== undefined && claim.owner !== node) {
      throw new SessionError(
        "option_invalid",
        `expected a claim for node ${JSON.stringify(node)}, got one for ${JSON.stringify(claim.owner)}`,
      );
    }
    return await this.#claim(readJournal(this.#id, await this.#load(), this.#settings), claim);
  }

  async #create(route: string): Promise<Acquired<State, Entry> | undefined> {
    const { settings, epoch } = { settings: this.#settings, epoch: await freshTimestamp(this.#settings) };
    const { node: owner, application, journal, tokens, clock } = settings;
    const model = start({ ...settings, sessionId: this.#id, owner, route, nowMs: clock.nowMs(), epoch }, tokens);
    const state = application.initial();
    const snapshot = encodeSnapshot(model, FIRST_ORIGIN, application.encodeState(state));
    const fence = { owner, epoch };
    this.#mayWrite();
    const { fence: holder } = await this.#owning(() => journal.createIfAbsent(this.#id, fence, { snapshot }));
    // Whether this call made it or an earlier one whose answer was lost: nobody else has this epoch.
    this.#mayHave = holder.epoch === epoch && holder.owner === owner;
    if (!this.#mayHave) return undefined;
    this.#tell({ kind: "created", alarm: false, epoch });
    const snapshotRecord = { ...fence, seq: 0, bytes: snapshot };
    const empty: JournalState = { fence, nextSeq: 1, snapshot: snapshotRecord, entries: [], firstSeq: 1 };
    const found = readJournal(this.#id, empty, settings);
    return { created: true, fence: model.fence, model, found, cleanly: true, previousOwner: undefined };
  }

  #mayOpen({ fence, release }: ReadJournal<State, Entry>): void {
    const { node } = this.#settings;
    const free = release === undefined ? fence.owner === node : release.to === undefined || release.to === node;
    if (free) return;
    const owner = JSON.stringify(fence.owner);
    const holder =
      release?.to === undefined ? `${owner} owns` : `${owner} has let node ${JSON.stringify(release.to)} have`;
    throw this.#elsewhere(holder, fence);
  }

  #elsewhere(holder: string, current: JournalFence, cause?: JournalError): SessionManagerError {
    const message = `${holder} session ${JSON.stringify(this.#id)}; claim it with takeover() if that node is gone`;
    return new SessionManagerError("owned_elsewhere", message, { current, cause });
  }

  /** @param from the only owner that may be followed; a JournalError `fenced` if it is another by now */
  async #claim(
    before: ReadJournal<State, Entry>,
    given: TakeoverRequest | undefined,
    from?: bigint,
  ): Promise<Acquired<State, Entry>> {
    const id = this.#id;
    const { node, tokens, journal, clock } = this.#settings;
    // The journal must be whole before anything is changed.
    const present = before.session(modelFence(id, before.fence, this.#settings));
    const claim = given ?? claimOf(id, node, tokens, await freshTimestamp(this.#settings));
    const verdict = requestTakeover(present, claim, clock.nowMs(), tokens);
    if (!verdict.ok) throw this.#refused(verdict.error, before.fence);
    if (verdict.renewed) throw this.#worn(claim, before.fence);
    const fence: JournalFence = { owner: claim.owner, epoch: claim.epoch };
    this.#mayWrite();
    await this.#owning(() => journal.takeover(id, fence, { from })).catch((error: unknown) => {
      throw from !== undefined && isFenced(error) ? error : this.#overtaken(error, claim);
    });
    this.#tell({ kind: "taken_over", alarm: false, epoch: claim.epoch });
    // It is this node's by now: who gives up here leaves it owned, and open nowhere.
    const loaded = await this.#load(true);
    if (loaded.fence.epoch !== claim.epoch) {
      this.#mayHave = false;
      const { epoch: currentEpoch } = loaded.fence;
      throw this.#refused({ kind: "stale_owner", currentEpoch, requestedEpoch: claim.epoch }, loaded.fence);
    }
    // What the owner before wrote last may be newer than what was read above; from now on nothing comes after it.
    const found = readJournal(id, loaded, this.#settings);
    const left = found.session(modelFence(id, found.lastWriter, this.#settings));
    const taken = requestTakeover(left, claim, clock.nowMs(), tokens);
    if (!taken.ok) throw this.#refused(taken.error, loaded.fence);
    const cleanly = before.release !== undefined && found.seq === before.seq;
    const previousOwner = before.fence.owner;
    return { created: false, fence: taken.session.fence, model: taken.session, found, cleanly, previousOwner };
  }

  #refused(error: OwnershipError, current: JournalFence): SessionManagerError {
    const alarm = error.kind !== "stale_owner";
    this.#tell({ kind: "claim_refused", alarm, error });
    const code: SessionManagerErrorCode = error.kind === "stale_owner" ? error.kind : error.cause;
    const message = `the claim to session ${JSON.stringify(this.#id)} is refused: ${ownershipErrorLabel(error)}`;
    return new SessionManagerError(code, message, { current, ownership: error });
  }

  /** The model lets an owner renew its fence; a process that starts anew must not share it with the one before it. */
  #worn({ owner, epoch }: TakeoverRequest, current: JournalFence): SessionManagerError {
    const message = `session ${JSON.stringify(this.#id)} is owned by ${JSON.stringify(owner)} under epoch ${epoch} already; a takeover needs a fresh one`;
    return new SessionManagerError("reused_epoch", message, { current });
  }

  /** The store decides last: somebody else may have come in between. */
  #overtaken(thrown: unknown, claim: TakeoverRequest): unknown {
    const error = JournalError.from(thrown);
    const { current } = error;
    if (current === undefined) return error;
    const { owner: requestedOwner, epoch: requestedEpoch } = claim;
    if (error.code === "fenced") {
      return this.#refused({ kind: "stale_owner", currentEpoch: current.epoch, requestedEpoch }, current);
    }
    if (error.code !== "split_brain") return error;
    const cause = "reused_epoch";
    const currentOwner = current.owner;
    return this.#refused({ kind: "split_brain", currentOwner, requestedOwner, epoch: requestedEpoch, cause }, current);
  }

  async #loadIfAny(): Promise<JournalState | undefined> {
    try {
      return await this.#load();
    } catch (error) {
      if (error instanceof JournalError && error.code === "unknown_session") return undefined;
      throw error;
    }
  }

  #load(always = false): Promise<JournalState> {
    return untilKnown(this.#settings, () => this.#settings.journal.load(this.#id), always);
  }

  /** A call after which this node may own the session. */
  async #owning<T>(call: () => Promise<T>): Promise<T> {
    this.#mayHave = true;
    return await untilKnown(this.#settings, call).catch((error: unknown) => {
      this.#mayHave = error instanceof JournalError && (error.code === "uncertain" || error.code === "permanent");
      throw error;
    });
  }
}

function isFenced(error: unknown): error is JournalError {
  return error instanceof JournalError && error.code === "fenced";
}
