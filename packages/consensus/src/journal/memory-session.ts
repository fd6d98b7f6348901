// SPDX-License-Identifier: Apache-2.0
import type { JournalFence, JournalHead, JournalRecord, JournalSnapshot, JournalState } from "./fenced-journal.ts";
import { type JournalWrite, journalHeadAfter, journalRefusal } from "./journal-rules.ts";

/** One journal in memory. Each method is one atomic step, because none awaits: it is refused, or it is done. */
export class MemorySession {
  readonly #id: string;
  #head: JournalHead;
  #snapshot: JournalSnapshot | undefined;
  #entries: JournalRecord[] = [];

  constructor(id: string, fence: JournalFence, first: Uint8Array | undefined) {
    this.#id = id;
    this.#snapshot = first === undefined ? undefined : { ...fence, seq: 0, bytes: first };
    this.#head = { fence, nextSeq: 1, snapshotSeq: this.#snapshot?.seq };
  }

  get head(): JournalHead {
    return this.#head;
  }

  /** Everything in it, in arrays that are the caller's. */
  state(): JournalState {
    const snapshot = this.#snapshot;
    const covered = snapshot?.seq ?? 0;
    return {
      ...this.#head,
      snapshot: snapshot === undefined ? undefined : { ...snapshot, bytes: Uint8Array.from(snapshot.bytes) },
      entries: this.#entries
        .filter(({ seq }) => seq > covered)
        .map((record) => ({ ...record, entry: Uint8Array.from(record.entry) })),
      firstSeq: this.#entries[0]?.seq ?? this.#head.nextSeq,
    };
  }

  takeover(fence: JournalFence, from: bigint | undefined): JournalHead {
    this.#accept({ kind: "takeover", fence, from });
    return this.#head;
  }

  append(fence: JournalFence, record: JournalRecord): void {
    this.#accept({ kind: "append", fence, seq: record.seq });
    this.#entries.push(record);
  }

  putSnapshot(fence: JournalFence, snapshot: JournalSnapshot, ahead: boolean): void {
    this.#accept({ kind: "snapshot", fence, seq: snapshot.seq, ahead });
    this.#snapshot = snapshot;
  }

  truncateThrough(fence: JournalFence, seq: number): void {
    this.#accept({ kind: "truncate", fence, seq });
    this.#entries = this.#entries.filter((record) => record.seq > seq);
  }

  #accept(write: JournalWrite): void {
    const refusal = journalRefusal(this.#id, this.#head, write);
    if (refusal !== undefined) throw refusal;
    this.#head = journalHeadAfter(this.#head, write);
  }
}
