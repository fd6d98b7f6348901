// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type CreateJournalOptions,
  checkJournalFence,
  checkJournalFrom,
  checkJournalId,
  checkJournalSeq,
  checkJournalSnapshot,
  type FencedJournal,
  type JournalCreation,
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalLimits,
  type JournalState,
  type JournalTakeoverOptions,
  journalRefusal,
  type PutSnapshotOptions,
} from "@tsoracle/consensus";
import { embedded, joinStates, MARKER } from "./join-states.ts";

export interface MixedJournalOptions {
  /** Where snapshots are kept. */
  readonly snapshots: FencedJournal;
  /** Where entries are kept, and which owner may write. */
  readonly journal: FencedJournal;
}

/** A snapshot that was put while a load looked at one store and then at the other makes the two differ for a moment. */
const MOST_LOOKS = 8;

/**
 * Snapshots in one store and entries in another. Who owns a session, and which number is next, the journal's store
 * decides; the snapshot store follows it, and never the other way round.
 *
 * - *Takeover*: in the journal's store first. From then on nobody older appends, and only who won there goes on to the
 *   snapshot store, so that its fence is never ahead. In the other order a loser could leave its fence on the snapshots
 *   while another owns the entries, and shut the owner out.
 * - *Snapshot*: `ahead` into the snapshot store, then an empty marker of the same number into the journal's store. Until
 *   the marker is there the entries are, so that a crash in between costs nothing: a load takes the newer of the two.
 * - *Truncation*: in the journal's store alone, which allows it only below its marker. A snapshot is durable before its
 *   marker, and the marker before anything is removed.
 * - *Snapshots that go ahead of the entries*, and those that a journal begins with, move the next number or make the
 *   journal. Two stores could not do that in one step, so they are kept in the journal's store, in the marker's place.
 *
 * Each write is conditional in the atomic step of the store that it goes to.
 */
export class MixedJournal implements FencedJournal {
  readonly name: string;
  readonly limits: JournalLimits;
  readonly #snapshots: FencedJournal;
  readonly #journal: FencedJournal;
  readonly #calls = new Calls(() => new JournalError("closed", "this mixed journal was disposed; open another"));
  #disposal: Promise<void> | undefined;

  constructor({ snapshots, journal }: MixedJournalOptions) {
    this.name = `${journal.name} with snapshots in ${snapshots.name}`;
    this.limits = Object.freeze({
      maxEntryBytes: journal.limits.maxEntryBytes,
      maxSnapshotBytes: Math.min(snapshots.limits.maxSnapshotBytes, journal.limits.maxSnapshotBytes - 1),
    });
    this.#snapshots = snapshots;
    this.#journal = journal;
  }

  load(id: string, options?: CallOptions): Promise<JournalState> {
    return this.#calls.run(options, async () => {
      return await this.#joined(checkJournalId(id));
    });
  }

  createIfAbsent(id: string, fence: JournalFence, options?: CreateJournalOptions): Promise<JournalCreation> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const first = options?.snapshot;
      const snapshot = first === undefined ? undefined : checkJournalSnapshot(first, this.limits);
      const made = await this.#journal.createIfAbsent(key, owner, {
        snapshot: snapshot === undefined ? undefined : embedded(snapshot),
      });
      if (made.created) return made;
      return { created: false, ...headOf(await this.#joined(key)) };
    });
  }

  takeover(id: string, fence: JournalFence, options?: JournalTakeoverOptions): Promise<JournalHead> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const {
        fence: now,
        nextSeq,
        snapshotSeq,
      } = await this.#journal.takeover(key, owner, {
        from: checkJournalFrom(options),
      });
      const followed = await inDoubt("the snapshot store", () => this.#follow(key, owner));
      return { fence: now, nextSeq, snapshotSeq: newest(snapshotSeq, followed.snapshotSeq) };
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
    return this.#calls.run(options, () => this.#journal.append(id, fence, seq, entry, ts));
  }

  putSnapshot(
    id: string,
    fence: JournalFence,
    seq: number,
    bytes: Uint8Array,
    options?: PutSnapshotOptions,
  ): Promise<void> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const number = checkJournalSeq(seq, 0);
      const copy = checkJournalSnapshot(bytes, this.limits);
      const ahead = options?.ahead ?? false;
      const head = headOf(await this.#joined(key));
      const refusal = journalRefusal(key, head, { kind: "snapshot", fence: owner, seq: number, ahead });
      if (refusal !== undefined) throw refusal;
      if (number >= head.nextSeq) return await this.#journal.putSnapshot(key, owner, number, embedded(copy), { ahead });
      await this.#snapshots.putSnapshot(key, owner, number, copy, { ahead: true }).catch(async (error: unknown) => {
        if (!isBehind(error)) throw error;
        // The owner of the entries is the owner, also where nobody has told the snapshots so far.
        await this.#follow(key, owner);
        await this.#snapshots.putSnapshot(key, owner, number, copy, { ahead: true });
      });
      await this.#journal.putSnapshot(key, owner, number, MARKER).catch((error: unknown) => {
        // The snapshot is there, and loads give it, although its owner may be a former one by now.
        if (isRefusal(error)) throw doubtful("the marker", error);
        throw error;
      });
    });
  }

  truncateThrough(id: string, fence: JournalFence, seq: number, options?: CallOptions): Promise<void> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const through = checkJournalSeq(seq, 0);
      await this.#journal.truncateThrough(key, owner, through).catch(async (error: unknown) => {
        if (!(error instanceof JournalError && error.code === "conflict")) throw error;
        // A crash may have come between a snapshot and its marker: then the marker is put now. Only of what the snapshot
        // store holds: a snapshot that went ahead meanwhile stands in the marker's place, and a marker would replace it.
        await this.#joined(key);
        const { snapshotSeq } = (await this.#snapshots.load(key).catch(missingIsNothing)) ?? {};
        if (snapshotSeq === undefined || snapshotSeq < through) throw error;
        await this.#journal.putSnapshot(key, owner, snapshotSeq, MARKER);
        await inDoubt("the truncation", () => this.#journal.truncateThrough(key, owner, through));
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await this.#calls.close();
    await Promise.all([this.#journal[Symbol.asyncDispose](), this.#snapshots[Symbol.asyncDispose]()]);
  }

  async #joined(id: string): Promise<JournalState> {
    let before: JournalState | undefined;
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      // Entries first: a snapshot that is put meanwhile is newer than they are, never older than their marker.
      const entries = await this.#journal.load(id);
      const snapshots = await this.#snapshots.load(id).catch(missingIsNothing);
      const joined = joinStates(id, entries, snapshots);
      if (joined !== undefined) return joined;
      if (before?.nextSeq === entries.nextSeq) throw setBack(id);
      before = entries;
    }
    throw new JournalError("transient", `session ${JSON.stringify(id)} changes all the time; try again`);
  }

  /** Puts the fence that owns the entries on the snapshots as well. */
  async #follow(id: string, owner: JournalFence): Promise<JournalHead> {
    try {
      return await this.#snapshots.takeover(id, owner);
    } catch (error) {
      if (!(error instanceof JournalError && error.code === "unknown_session")) throw error;
      await this.#snapshots.createIfAbsent(id, owner);
      return await this.#snapshots.takeover(id, owner);
    }
  }
}

/** A journal whose entries are in one store and whose snapshots are in another. It owns both and disposes them. */
export function mixedJournal(options: MixedJournalOptions): FencedJournal {
  return new MixedJournal(options);
}

function headOf({ fence, nextSeq, snapshotSeq }: JournalState): JournalHead {
  return { fence, nextSeq, snapshotSeq };
}

/** The snapshots have not heard of this owner yet, or not of the session. */
function isBehind(error: unknown): boolean {
  return error instanceof JournalError && (error.code === "fenced" || error.code === "unknown_session");
}

/** Once the first store has written, a second that has not makes the whole write a doubt. A lost fence stays one. */
async function inDoubt<T>(what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof JournalError && error.code === "transient" ? doubtful(what, error) : error;
  }
}

function doubtful(what: string, cause: JournalError): JournalError {
  return new JournalError("uncertain", `${what} did not follow; repeat the call: ${cause.message}`, { cause });
}

/** What says that nothing was written. */
function isRefusal(error: unknown): error is JournalError {
  const codes = ["transient", "fenced", "split_brain", "conflict"];
  return error instanceof JournalError && codes.includes(error.code);
}

function missingIsNothing(error: unknown): undefined {
  if (error instanceof JournalError && error.code === "unknown_session") return undefined;
  throw error;
}

function newest(left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return Math.max(left, right);
}

function setBack(id: string): JournalError {
  return new JournalError(
    "permanent",
    `session ${JSON.stringify(id)} has a snapshot of an entry that its journal does not have: the journal's store was set back. Restore both stores from the same moment`,
  );
}
