// SPDX-License-Identifier: Apache-2.0
import {
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalRecord,
  type JournalSnapshot,
  type JournalWrite,
  journalRefusal,
} from "@tsoracle/consensus";
import { packEntry, packSnapshot } from "./records.ts";
import type { SessionChange } from "./replica.ts";
import { firstHead, headAfter, removedBy, type SessionHead } from "./session-head.ts";

/** What a write does to a session, judged on a state that a majority has. */
export type Decision<T> =
  | { readonly kind: "refuse"; readonly error: JournalError }
  /** There is nothing to do. */
  | { readonly kind: "answer"; readonly value: T }
  | { readonly kind: "change"; readonly change: SessionChange; readonly value: T };

/** A write. @param tag marks it among the last writes of the session */
export type Operation<T> = (head: SessionHead | undefined, tag: string) => Decision<T>;

export function creation(
  fence: JournalFence,
  first: Uint8Array | undefined,
): Operation<JournalHead & { readonly created: boolean }> {
  return (head, tag) => {
    if (head !== undefined) return { kind: "answer", value: { created: false, ...plainHead(head) } };
    const after = firstHead(fence, first !== undefined, tag);
    const snapshot = first === undefined ? undefined : packSnapshot({ ...fence, bytes: first });
    return {
      kind: "change",
      change: { before: undefined, after, snapshot },
      value: { created: true, ...plainHead(after) },
    };
  };
}

export function takeover(id: string, fence: JournalFence, from?: bigint): Operation<JournalHead> {
  return (head, tag) => {
    const isOwn = head?.fence.epoch === fence.epoch && head.fence.owner === fence.owner;
    if (head !== undefined && isOwn) return { kind: "answer", value: plainHead(head) };
    return decided(id, head, { kind: "takeover", fence, from }, tag, () => ({}), plainHead);
  };
}

export function appending(id: string, record: JournalRecord): Operation<void> {
  const { seq, epoch, owner } = record;
  const packed = packEntry(record);
  return (head, tag) =>
    decided(
      id,
      head,
      { kind: "append", fence: { epoch, owner }, seq },
      tag,
      () => ({ entry: { seq, packed } }),
      () => undefined,
    );
}

export function snapshotting(id: string, snapshot: JournalSnapshot, ahead: boolean): Operation<void> {
  const { seq, epoch, owner } = snapshot;
  const packed = packSnapshot(snapshot);
  return (head, tag) =>
    decided(
      id,
      head,
      { kind: "snapshot", fence: { epoch, owner }, seq, ahead },
      tag,
      () => ({ snapshot: packed }),
      () => undefined,
    );
}

export function truncation(id: string, fence: JournalFence, seq: number): Operation<void> {
  return (head, tag) =>
    decided(
      id,
      head,
      { kind: "truncate", fence, seq },
      tag,
      (before) => ({ removed: removedBy(before, seq) }),
      () => undefined,
    );
}

/** As callers see it. */
export function plainHead({ fence, nextSeq, snapshotSeq }: SessionHead): JournalHead {
  return { fence, nextSeq, snapshotSeq };
}

function decided<T>(
  id: string,
  head: SessionHead | undefined,
  write: JournalWrite,
  tag: string,
  rest: (before: SessionHead) => Omit<SessionChange, "before" | "after">,
  value: (after: SessionHead) => T,
): Decision<T> {
  const error = journalRefusal(id, head, write);
  if (error !== undefined) return { kind: "refuse", error };
  if (head === undefined) return { kind: "refuse", error: new JournalError("unknown_session", "there is no journal") };
  const after = headAfter(head, write, tag);
  const before = { fence: head.fence, nextSeq: head.nextSeq };
  return { kind: "change", change: { before, after, ...rest(head) }, value: value(after) };
}
