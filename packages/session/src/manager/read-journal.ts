// SPDX-License-Identifier: Apache-2.0
import type { JournalFence, JournalState } from "@tsoracle/consensus";
import { type OwnershipFence, ownershipFence } from "@tsoracle/fencing";
import type { PersistenceBackend } from "../backend.ts";
import type { DurableSession } from "../durable-session.ts";
import { type RecordedEntry, recover } from "../recover.ts";
import { SessionError } from "../session-error.ts";
import type { SessionApplication } from "./application.ts";
import { decodeRecord, decodeSnapshot, type Release, type StoredRecord, unreadable } from "./envelope.ts";
import { type Lineage, lineageAfter, lineageWith } from "./lineage.ts";
import type { ManagerSettings } from "./options.ts";
import type { RecoveredEntry } from "./owned-session.ts";

/** What a journal tells, decoded and replayed. */
export interface ReadJournal<State, Entry> {
  /** Who may write now. */
  readonly fence: JournalFence;
  /** The owner that wrote the newest record or snapshot; a takeover leaves none. */
  readonly lastWriter: JournalFence;
  readonly seq: number;
  readonly snapshotSeq: number;
  readonly snapshotState: State;
  readonly entries: readonly RecoveredEntry<Entry>[];
  /** Bytes of the records after the snapshot. */
  readonly tailBytes: number;
  /** After all records. */
  readonly state: State;
  /** Where the present owner let the session go, and wrote nothing since. */
  readonly release: Release | undefined;
  /** That of the node that wrote the snapshot. */
  readonly writtenBackend: PersistenceBackend;
  /** The reigns that made this state, that of the last writer included. */
  readonly lineage: Lineage;
  /** What was missing when the reign of the snapshot began, unless a reconnect has reported it before the snapshot. */
  readonly unreported: number;
  /** The session of the model, as of this fence. */
  session(fence: OwnershipFence): DurableSession;
}

/** The fence of a journal as the model has it: with the token that belongs to it. */
export function modelFence<State, Entry>(
  id: string,
  { owner, epoch }: JournalFence,
  { tokens }: ManagerSettings<State, Entry>,
): OwnershipFence {
  return ownershipFence({ owner, epoch, token: tokens.expected(id, owner, epoch) });
}

/**
 * Decodes and replays what a store answered. Nothing is served of a journal of which anything cannot be read.
 *
 * @throws SessionManagerError `unreadable`; SessionError `state_diverged` from `session`.
 */
export function readJournal<State, Entry>(
  id: string,
  loaded: JournalState,
  settings: ManagerSettings<State, Entry>,
): ReadJournal<State, Entry> {
  const session = JSON.stringify(id);
  const first = loaded.snapshot;
  if (first === undefined) {
    throw unreadable(`the journal of session ${session}`, new TypeError("it does not begin with a snapshot"));
  }
  const stored = decodeSnapshot(first.bytes, id, `snapshot ${first.seq} of session ${session}`);
  checkNumbers(id, loaded, first.seq);
  const records = loaded.entries.map((record) => {
    const where = `entry ${record.seq} of session ${session}`;
    return { ...record, where, stored: decodeRecord(record.entry, where) };
  });
  const { application, tokens, backend } = settings;
  const snapshotState = guarded(`snapshot ${first.seq} of session ${session}`, () =>
    application.decodeState(stored.payload),
  );
  const replayed = replayApplication(application, snapshotState, records);
  const last = records.at(-1);
  const lastWriter: JournalFence = last ?? first;
  const release =
    last === undefined ? stored.release : last.stored.kind === "release" ? last.stored.release : undefined;
  const tail = records.flatMap(({ stored: record, epoch }): RecordedEntry[] =>
    record.kind === "entry" ? [{ entry: record.entry, epoch, atMs: record.atMs }] : [],
  );
  const { snapshot, resumePolicy, continuitySloMs, maxDataLossEvents } = stored;
  const entriesOnly = stored.backend.kind === "snapshot_only";
  const covered = { epoch: first.epoch, from: stored.from, through: first.seq, entriesOnly };
  return {
    fence: loaded.fence,
    lastWriter: { owner: lastWriter.owner, epoch: lastWriter.epoch },
    seq: loaded.nextSeq - 1,
    snapshotSeq: first.seq,
    snapshotState,
    ...replayed,
    tailBytes: loaded.entries.reduce((sum, { entry }) => sum + entry.length, 0),
    // Whoever took the session over since, has it, although nothing was written yet.
    release: lastWriter.epoch === loaded.fence.epoch ? release : undefined,
    writtenBackend: stored.backend,
    lineage: loaded.entries.reduce(lineageAfter, lineageWith(stored.lineage, covered)),
    unreported: stored.unreported,
    session: (fence) =>
      recover({ backend, resumePolicy, continuitySloMs, maxDataLossEvents, fence, snapshot, tail }, tokens),
  };
}

interface Numbered {
  readonly seq: number;
  readonly where: string;
  readonly stored: StoredRecord;
}

function replayApplication<State, Entry>(
  application: SessionApplication<State, Entry>,
  from: State,
  records: readonly Numbered[],
): { readonly state: State; readonly entries: readonly RecoveredEntry<Entry>[] } {
  let state = from;
  const entries: RecoveredEntry<Entry>[] = [];
  for (const { seq, where, stored } of records) {
    if (stored.kind === "release") continue;
    if (stored.entry.kind === "counter_delta") {
      const entry = guarded(where, () => application.decodeEntry(stored.payload));
      state = guarded(where, () => application.apply(state, entry));
      entries.push(Object.freeze({ seq, entry }));
    } else if (stored.entry.kind === "reconnected" && stored.entry.policy === "remount") {
      state = application.initial();
    }
  }
  return { state, entries: Object.freeze(entries) };
}

/** What the application throws here, it throws over data: the journal is as it was, and cannot be served. */
function guarded<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(where, cause);
  }
}

/** A store keeps entries without gaps; one that did not must not be built upon. */
function checkNumbers(id: string, { entries, nextSeq }: JournalState, snapshotSeq: number): void {
  const expected = entries.every(({ seq }, index) => seq === snapshotSeq + 1 + index);
  if (expected && nextSeq === snapshotSeq + 1 + entries.length) return;
  throw new SessionError(
    "state_diverged",
    `expected entries ${snapshotSeq + 1} to ${nextSeq - 1} of session ${JSON.stringify(id)} without gaps, ` +
      `got ${entries.length}, the first ${entries[0]?.seq}; the store lost some`,
  );
}
