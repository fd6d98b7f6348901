// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
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
import { doubtful, isRefusal, refusedByDisk } from "./disk-fault.ts";
import type { JournalFile, JournalFileSystem } from "./file-system.ts";
import { ACKNOWLEDGED, encodeFrame, type Frame } from "./frame.ts";
import {
  baseFrame,
  decodeSession,
  encodeLog,
  encodeSnapshot,
  entryFrame,
  rotten,
  type SessionLog,
  takeoverFrame,
} from "./session-log.ts";

/** Where the files of a store are, and how they are reached. */
export interface SessionPlace {
  readonly fileSystem: JournalFileSystem;
  readonly directory: string;
  /** Rejects when the directory may be somebody else's. */
  readonly checkLock: () => Promise<void>;
  /** The largest entry or snapshot, in bytes. */
  readonly maxBodyBytes: number;
}

/**
 * One session's two files: a log that only grows at its end, and a snapshot that is replaced as a whole. Its methods
 * are called one at a time; each is refused, or it is on the medium when it resolves.
 */
export class SessionFile {
  readonly #place: SessionPlace;
  readonly #id: string;
  readonly #logPath: string;
  #head: JournalHead;
  #end: number;

  private constructor(place: SessionPlace, id: string, head: JournalHead, end: number) {
    this.#place = place;
    this.#id = id;
    this.#logPath = pathOf(place, id, "journal");
    this.#head = head;
    this.#end = end;
  }

  /** Opens the files of a session, having repaired what a crash left; undefined if there are none. */
  static async open(place: SessionPlace, id: string): Promise<SessionFile | undefined> {
    const log = await readSession(place, id);
    if (log === undefined) return undefined;
    const session = new SessionFile(place, id, log.head, log.end);
    await session.#repair(log);
    return session;
  }

  static async create(
    place: SessionPlace,
    id: string,
    fence: JournalFence,
    first: Uint8Array | undefined,
  ): Promise<SessionFile> {
    const snapshot = first === undefined ? undefined : { ...fence, seq: 0, bytes: first };
    const bytes = encodeLog(baseFrame(id, fence, 1, snapshot), []);
    await replaceFile(place, pathOf(place, id, "journal"), bytes);
    return new SessionFile(place, id, { fence, nextSeq: 1, snapshotSeq: snapshot?.seq }, bytes.length);
  }

  get head(): JournalHead {
    return this.#head;
  }

  async load(): Promise<JournalState> {
    const { head, entries, snapshot } = await this.#read();
    const covered = snapshot?.seq ?? 0;
    return {
      ...head,
      snapshot,
      entries: entries.filter(({ seq }) => seq > covered),
      firstSeq: entries[0]?.seq ?? head.nextSeq,
    };
  }

  async takeover(fence: JournalFence, from: bigint | undefined): Promise<JournalHead> {
    const after = this.#accept({ kind: "takeover", fence, from });
    if (fence.epoch !== this.#head.fence.epoch) await this.#extend(takeoverFrame(fence));
    this.#head = after;
    return after;
  }

  async append(fence: JournalFence, record: JournalRecord): Promise<void> {
    const after = this.#accept({ kind: "append", fence, seq: record.seq });
    await this.#extend(entryFrame(record));
    this.#head = after;
  }

  async putSnapshot(fence: JournalFence, snapshot: JournalSnapshot, ahead: boolean): Promise<void> {
    const after = this.#accept({ kind: "snapshot", fence, seq: snapshot.seq, ahead });
    await replaceFile(this.#place, pathOf(this.#place, this.#id, "snapshot"), encodeSnapshot(this.#id, snapshot));
    this.#head = after;
  }

  async truncateThrough(fence: JournalFence, seq: number): Promise<void> {
    this.#accept({ kind: "truncate", fence, seq });
    const { entries, firstSeq, firstSnapshot } = await this.#read();
    const kept = entries.filter((record) => record.seq > seq);
    if (kept.length === entries.length) return;
    // Past the first entry there is a snapshot file, which the one in the log is older than.
    const base = baseFrame(this.#id, this.#head.fence, Math.max(firstSeq, seq + 1), firstSnapshot);
    const bytes = encodeLog(base, kept);
    await replaceFile(this.#place, this.#logPath, bytes);
    this.#end = bytes.length;
  }

  #accept(write: JournalWrite): JournalHead {
    const refusal = journalRefusal(this.#id, this.#head, write);
    if (refusal !== undefined) throw refusal;
    return journalHeadAfter(this.#head, write);
  }

  async #read(): Promise<SessionLog> {
    const log = await readSession(this.#place, this.#id);
    if (log === undefined) throw rotten(this.#id, "its files are gone");
    return log;
  }

  /** Writes one record at the end, waits until it is durable, and only then marks it as acknowledged. */
  async #extend(frame: Frame): Promise<void> {
    const bytes = encodeFrame(frame, this.#end, false);
    const end = this.#end + bytes.length;
    await this.#withLog(async (file) => {
      try {
        await file.write(bytes, this.#end);
      } catch (error) {
        await this.#takeBack(file, error);
      }
      await inDoubt(`the fsync of ${this.#logPath}`, () => file.sync());
      await markAcknowledged(file, end);
    });
    this.#end = end;
  }

  /** Removes what was written of a record that the disk did not take. */
  async #takeBack(file: JournalFile, cause: unknown): Promise<never> {
    const doing = `writing ${this.#logPath}`;
    if (!isRefusal(cause)) throw doubtful(doing, cause);
    await inDoubt(doing, () => file.truncate(this.#end));
    throw refusedByDisk(doing, cause);
  }

  async #repair({ tail, last }: SessionLog): Promise<void> {
    if (tail === "clean") return;
    const doing = `repairing ${this.#logPath}`;
    await this.#withLog(async (file) => {
      if (tail === "torn") await inDoubt(doing, () => file.truncate(this.#end));
      // A record without its mark may be in the cache only, and after a failed fsync as if it were not: it is written
      // once more, because whoever hears of it now must find it after a power cut.
      else await inDoubt(doing, () => file.write(last, this.#end - last.length));
      await inDoubt(`the fsync of ${this.#logPath}`, () => file.sync());
      if (tail === "unmarked") await markAcknowledged(file, this.#end);
    });
  }

  async #withLog(work: (file: JournalFile) => Promise<void>): Promise<void> {
    await this.#place.checkLock();
    const file = await this.#place.fileSystem.openFile(this.#logPath).catch((error: unknown) => {
      throw refusedByDisk(`opening ${this.#logPath}`, error);
    });
    try {
      await work(file);
    } finally {
      // What counts is the fsync: closing adds nothing to it.
      await file.close().catch(() => {});
    }
  }
}

/** The mark only tells rot from a torn tail, so that a record is no less durable where it could not be written. */
async function markAcknowledged(file: JournalFile, end: number): Promise<void> {
  await file.write(ACKNOWLEDGED, end - ACKNOWLEDGED.length).catch(() => {});
}

async function readSession(place: SessionPlace, id: string): Promise<SessionLog | undefined> {
  const { fileSystem, maxBodyBytes } = place;
  try {
    const log = await fileSystem.readFile(pathOf(place, id, "journal"));
    const snapshot = await fileSystem.readFile(pathOf(place, id, "snapshot"));
    if (log !== undefined) return decodeSession(id, log, snapshot, maxBodyBytes);
    if (snapshot !== undefined) throw rotten(id, "it has a snapshot and no journal");
    return undefined;
  } catch (error) {
    if (error instanceof JournalError) throw error;
    throw new JournalError("permanent", `the journal of session ${JSON.stringify(id)} cannot be read: ${error}`, {
      cause: error,
    });
  }
}

/** Replaces a file so that a crash at any instant leaves the old one or the new one, and none in the end but the new. */
async function replaceFile(place: SessionPlace, path: string, bytes: Uint8Array): Promise<void> {
  const { fileSystem, directory, checkLock } = place;
  const temporary = `${path}.tmp`;
  await checkLock();
  const file = await fileSystem.createFile(temporary).catch((error: unknown) => {
    throw refusedByDisk(`creating ${temporary}`, error);
  });
  try {
    await file.write(bytes, 0).catch((error: unknown) => {
      throw isRefusal(error) ? refusedByDisk(`writing ${temporary}`, error) : doubtful(`writing ${temporary}`, error);
    });
    await inDoubt(`the fsync of ${temporary}`, () => file.sync());
  } finally {
    await file.close().catch(() => {});
  }
  await checkLock();
  await inDoubt(`renaming ${temporary}`, () => fileSystem.rename(temporary, path));
  await inDoubt(`the fsync of ${directory}`, () => fileSystem.syncDirectory(directory));
}

async function inDoubt(doing: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw doubtful(doing, error);
  }
}

/** Ids are free text of any case; their hashes are names on every file system. The files repeat the id. */
function pathOf({ directory }: SessionPlace, id: string, kind: "journal" | "snapshot"): string {
  return join(directory, `${createHash("sha256").update(id, "utf8").digest("hex")}.${kind}`);
}
