// SPDX-License-Identifier: Apache-2.0
import type { JournalErrorCode } from "@tsoracle/consensus";

/** A journal as plain values. Deliberately dumb: every entry that was ever appended, and no step of a store. */
export interface ModelJournal {
  readonly epoch: number;
  readonly owner: string;
  readonly next: number;
  /** `seq:epoch:owner:text` of every entry that was not truncated. */
  readonly entries: readonly string[];
  readonly snapshot: string | undefined;
  readonly snapshotSeq: number | undefined;
}

/** All journals, by id. */
export type ModelState = Readonly<Record<string, ModelJournal>>;

/** A write with its numbers resolved. */
export interface ModelWrite {
  readonly kind: "create" | "takeover" | "append" | "snapshot" | "ahead" | "truncate";
  readonly id: string;
  readonly epoch: number;
  readonly owner: string;
  readonly seq: number;
  readonly text: string | undefined;
}

/** What the model says of a write: the refusal, or the state after it. */
export type ModelAnswer =
  | { readonly code: JournalErrorCode }
  | { readonly state: ModelState; readonly created?: boolean };

/** What a write does to a state, by the sentences of the contract. */
export function answer(state: ModelState, write: ModelWrite): ModelAnswer {
  const { kind, id, epoch, owner, seq, text } = write;
  const found = state[id];
  if (kind === "create") {
    if (found !== undefined) return { state, created: false };
    const snapshot = text === undefined ? undefined : `0:${epoch}:${owner}:${text}`;
    const snapshotSeq = text === undefined ? undefined : 0;
    return { state: { ...state, [id]: { epoch, owner, next: 1, entries: [], snapshot, snapshotSeq } }, created: true };
  }
  if (found === undefined) return { code: "unknown_session" };
  if (epoch === found.epoch && owner !== found.owner) return { code: "split_brain" };
  if (epoch < found.epoch) return { code: "fenced" };
  const become = (changes: Partial<ModelJournal>): ModelAnswer => ({
    state: { ...state, [id]: { ...found, ...changes } },
  });
  if (kind === "takeover") return become({ epoch, owner });
  if (epoch > found.epoch) return { code: "fenced" };
  if (kind === "append") {
    if (seq !== found.next) return { code: "conflict" };
    return become({ next: seq + 1, entries: [...found.entries, `${seq}:${epoch}:${owner}:${text}`] });
  }
  if (kind === "truncate") {
    if (found.snapshotSeq === undefined || seq > found.snapshotSeq) return { code: "conflict" };
    return become({ entries: found.entries.filter((entry) => Number.parseInt(entry, 10) > seq) });
  }
  if (found.snapshotSeq !== undefined && seq < found.snapshotSeq) return { code: "conflict" };
  if (seq >= found.next && kind === "snapshot") return { code: "conflict" };
  const next = Math.max(found.next, seq + 1);
  return become({ snapshot: `${seq}:${epoch}:${owner}:${text}`, snapshotSeq: seq, next });
}

/** What a load of this journal shows, as one line. */
export function showModel({ epoch, owner, next, entries, snapshot, snapshotSeq }: ModelJournal): string {
  const tail = entries.filter((entry) => Number.parseInt(entry, 10) > (snapshotSeq ?? 0));
  const first = entries[0] === undefined ? next : Number.parseInt(entries[0], 10);
  return `${owner}@${epoch} next ${next} first ${first} snapshot ${snapshot ?? "none"} entries ${tail.join(" ")}`;
}
