// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  type FencedJournal,
  JournalError,
  type JournalErrorCode,
  type JournalFence,
  type JournalState,
} from "@tsoracle/consensus";
import { pause, type Settled, settle, withinMs } from "../probes.ts";
import type { JournalSubject } from "./journal-subject.ts";

/** Codes with which a journal says that it did nothing, or does not know. */
export const UNSETTLED: readonly JournalErrorCode[] = ["transient", "uncertain"];

export function fence(epoch: bigint, owner: string): JournalFence {
  return { epoch, owner };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function journalCodeOf(error: unknown): JournalErrorCode | undefined {
  return error instanceof JournalError ? error.code : undefined;
}

/** Asserts that a call rejects with a `JournalError` of one of these codes, and gives it. */
export async function refuses(call: Promise<unknown>, ...codes: readonly JournalErrorCode[]): Promise<JournalError> {
  return refusedAs(await settle(call), codes);
}

export function refusedAs(settled: Settled<unknown>, codes: readonly JournalErrorCode[]): JournalError {
  const wanted = `expected the call to reject as ${codes.join(" or ")}`;
  if (settled.ok) assert.fail(`${wanted}; it resolved`);
  const { error } = settled;
  if (error instanceof JournalError && codes.includes(error.code)) return error;
  assert.fail(`${wanted}; it rejected with ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
}

/** Everything that a load gives, as plain data that compares and prints. */
export function plain(state: JournalState): Readonly<Record<string, unknown>> {
  const { snapshot } = state;
  return {
    fence: show(state.fence),
    nextSeq: state.nextSeq,
    firstSeq: state.firstSeq,
    snapshotSeq: state.snapshotSeq,
    snapshot: snapshot === undefined ? undefined : `${snapshot.seq} by ${show(snapshot)}: ${hex(snapshot.bytes)}`,
    entries: state.entries.map((record) => `${record.seq} by ${show(record)} at ${record.ts}: ${hex(record.entry)}`),
  };
}

function show({ epoch, owner }: JournalFence): string {
  return `${owner}@${epoch}`;
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}

/** The entries of a session as text, oldest first. */
export async function texts(journal: FencedJournal, id: string): Promise<readonly string[]> {
  return (await journal.load(id)).entries.map(({ entry }) => new TextDecoder().decode(entry));
}

/** Asserts that something leaves a session as it was. */
export async function unchanged(journal: FencedJournal, id: string, work: () => Promise<unknown>): Promise<void> {
  const before = plain(await journal.load(id));
  await work();
  assert.deepEqual(plain(await journal.load(id)), before, "a write that was refused changed the journal");
}

/** Creates a session with entries `1`, `2`, ... of this owner. */
export async function begin(journal: FencedJournal, id: string, owner: JournalFence, entries: number): Promise<void> {
  await journal.createIfAbsent(id, owner);
  for (let seq = 1; seq <= entries; seq += 1) await journal.append(id, owner, seq, bytes(`${seq}`), BigInt(seq));
}

/** Every kind of conditional write, each with a number that would be right after two entries and a snapshot of one. */
export function everyWrite(
  journal: FencedJournal,
  id: string,
): readonly { readonly kind: string; readonly call: (by: JournalFence) => Promise<unknown> }[] {
  return [
    { kind: "append", call: (by) => journal.append(id, by, 3, bytes("3"), 3n) },
    { kind: "putSnapshot", call: (by) => journal.putSnapshot(id, by, 2, bytes("state 2")) },
    { kind: "truncateThrough", call: (by) => journal.truncateThrough(id, by, 1) },
  ];
}

/** What {@link everyWrite} expects: two entries and a snapshot of the first. */
export async function beginForEveryWrite(journal: FencedJournal, id: string, owner: JournalFence): Promise<void> {
  await begin(journal, id, owner, 2);
  await journal.putSnapshot(id, owner, 1, bytes("state 1"));
}

/** Fails as an assertion if `work` takes longer than any call of this subject may. */
export function inJournalTime<T>(subject: JournalSubject, what: string, work: Promise<T>): Promise<T> {
  return withinMs(subject.callTimeoutMs ?? 5_000, what, work);
}

/** Repeats a call for as long as the store cannot be reached: after a fault it may take a while. */
export async function eventuallySettles<T>(signal: AbortSignal, call: () => Promise<T>): Promise<Settled<T>> {
  for (;;) {
    const settled = await settle(call());
    const code = settled.ok ? undefined : journalCodeOf(settled.error);
    if (code === undefined || !UNSETTLED.includes(code)) return settled;
    await pause(signal);
  }
}

/** As {@link eventuallySettles}, for a call that must succeed in the end. */
export async function eventuallyResolves<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const settled = await eventuallySettles(signal, call);
  if (settled.ok) return settled.value;
  assert.fail(`expected the call to succeed in the end; it rejected with ${settled.error}`);
}
