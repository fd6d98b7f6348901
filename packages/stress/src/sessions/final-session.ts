// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";

import type { FencedJournal, JournalRecord } from "@tsoracle/consensus";
import { JournalError } from "@tsoracle/consensus";
import {
  journalOnly,
  plainTokens,
  SessionError,
  SessionManager,
  SessionManagerError,
  type TimestampSource,
} from "@tsoracle/session";
import { type EntryText, numberedEntries } from "./entry.ts";
import { Limiter } from "./limiter.ts";

/** What a session holds when all is over, as an owner finds it who takes it over from the last one. */
export type FinalSession =
  | {
      readonly kind: "read";
      readonly session: string;
      /** Of the takeover that read it. */
      readonly epoch: bigint;
      /** Every entry, oldest first. */
      readonly entries: readonly EntryText[];
      /** The numbers in the journal of the newest of them, those that no snapshot covers. */
      readonly tail: readonly { readonly seq: number; readonly text: EntryText }[];
      /** Number and epoch of everything that the store holds after the snapshot, as the store itself says. */
      readonly records: readonly Pick<JournalRecord, "seq" | "epoch">[];
      readonly snapshotSeq: number;
      readonly nextSeq: number;
    }
  | { readonly kind: "unreadable"; readonly session: string; readonly reason: string };

const AT_A_TIME = 8;

/** A store that had a fault a moment ago may need as long until it answers again. */
const PATIENCE_MS = 60_000;
const AGAIN_AFTER_MS = 200;

/**
 * Takes every session over and reads it. The store has a while to come back from its last fault.
 *
 * @throws JournalError `transient` or `uncertain` when it does not
 */
export async function readFinals(
  journal: FencedJournal,
  timestamps: TimestampSource,
  sessions: readonly string[],
): Promise<readonly FinalSession[]> {
  const manager = new SessionManager<readonly EntryText[], EntryText>({
    journal,
    timestamps,
    node: "judge",
    tokens: plainTokens,
    backend: journalOnly(journal.name),
    application: numberedEntries,
  });
  const limiter = new Limiter(AT_A_TIME);
  const until = performance.now() + PATIENCE_MS;
  const finals = sessions.map((session) => limiter.run(() => readPatiently(manager, journal, session, until)));
  return await Promise.all(finals);
}

async function readPatiently(
  manager: SessionManager<readonly EntryText[], EntryText>,
  journal: FencedJournal,
  session: string,
  until: number,
): Promise<FinalSession> {
  for (;;) {
    try {
      return await readFinal(manager, journal, session);
    } catch (error) {
      if (!isAway(error) || performance.now() > until) throw error;
    }
    await sleep(AGAIN_AFTER_MS);
  }
}

const isAway = (error: unknown): boolean =>
  error instanceof JournalError && (error.code === "transient" || error.code === "uncertain");

async function readFinal(
  manager: SessionManager<readonly EntryText[], EntryText>,
  journal: FencedJournal,
  session: string,
): Promise<FinalSession> {
  try {
    const { nextSeq, entries: records, snapshot } = await journal.load(session);
    const owned = await manager.takeover(session);
    const { recovery, fence } = owned;
    const { snapshotState, snapshotSeq, entries } = recovery;
    const tail = entries.map(({ seq, entry }) => ({ seq, text: entry }));
    owned.abandon();
    return {
      kind: "read",
      session,
      epoch: fence.epoch,
      entries: [...snapshotState, ...tail.map(({ text }) => text)],
      tail,
      records: records.map(({ seq, epoch }) => ({ seq, epoch })),
      snapshotSeq: snapshot?.seq ?? snapshotSeq,
      nextSeq,
    };
  } catch (error) {
    const isKnown = [JournalError, SessionError, SessionManagerError].some((known) => error instanceof known);
    if (isAway(error) || !isKnown) throw error;
    return { kind: "unreadable", session, reason: (error as Error).message };
  }
}
