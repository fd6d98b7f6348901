// SPDX-License-Identifier: Apache-2.0
import { jsonApplication, type SessionApplication } from "@tsoracle/session";

/** One numbered entry, as text: who wrote it in which call, under which epoch, and the place that it must have. */
export type EntryText = string;

export interface NumberedEntry {
  /** Names the call that wrote it, in the whole run. */
  readonly id: string;
  readonly epoch: bigint;
  /** 1 for the first entry of a session, and so on without gaps. */
  readonly number: number;
}

export function writeEntry({ id, epoch, number }: NumberedEntry): EntryText {
  return `${id} ${epoch} ${number}`;
}

/** Undefined for what no worker wrote. */
export function readEntry(text: EntryText): NumberedEntry | undefined {
  const match = /^(\S+) (\d+) (\d+)$/.exec(text);
  if (match === null) return undefined;
  const [, id = "", epoch = "", number = ""] = match;
  return { id, epoch: BigInt(epoch), number: Number(number) };
}

/**
 * The state of a session is every entry that it ever had, so that a snapshot in place of truncated entries still shows
 * each of them. It never refuses an entry: what is wrong is for the judge to find.
 */
export const numberedEntries: SessionApplication<readonly EntryText[], EntryText> = jsonApplication({
  initial: () => [],
  apply: (state: readonly EntryText[], entry: EntryText) => [...state, entry],
});

/** `s-000`, `s-001`, ... */
export function sessionNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `s-${String(index).padStart(3, "0")}`);
}
