// SPDX-License-Identifier: Apache-2.0
import { type RunOptions, settle } from "../settings.ts";
import { explain, isGreen, type Outcome } from "../verdict.ts";
import type { JournalClauseId } from "./clause-id.ts";
import { JOURNAL_CLAUSES, journalClauseIds } from "./journal-catalogue.ts";
import { type JournalSubject, validateJournalSubject } from "./journal-subject.ts";
import { runJournalClause } from "./run-journal-clause.ts";

export interface CheckJournalOptions extends RunOptions {
  /** Whether a clause that was not exercised needs a waiver with a reason. @defaultValue true */
  readonly strict?: boolean | undefined;
  /** Runs only these clauses, each once. @defaultValue all */
  readonly only?: readonly JournalClauseId[] | undefined;
}

/** The finding on one clause, as data. */
export interface JournalClauseResult {
  readonly id: JournalClauseId;
  readonly sentence: string;
  readonly outcome: Outcome;
  /** Whether this finding lets the run pass. */
  readonly green: boolean;
  /** What a person needs besides the outcome: the reason or the error; empty for a pass. */
  readonly detail: string;
}

/** The findings on one store. Has neither times nor dates: equal runs give equal reports. */
export interface JournalReport {
  readonly subject: string;
  readonly seed: number;
  readonly strict: boolean;
  readonly ok: boolean;
  readonly results: readonly JournalClauseResult[];
}

/**
 * Runs the journal kit over a subject, one clause after the other. Rejects only for a subject or options that contradict
 * themselves; what the journal does wrong is in the report.
 *
 * @throws TypeError that names what is wrong with the subject or the options.
 */
export async function checkJournal(subject: JournalSubject, options: CheckJournalOptions = {}): Promise<JournalReport> {
  validateJournalSubject(subject, JOURNAL_CLAUSES);
  const settings = settle(options);
  const strict = options.strict ?? true;
  const results: JournalClauseResult[] = [];
  for (const id of selected(options.only)) {
    const clause = JOURNAL_CLAUSES[id];
    const verdict = await runJournalClause(id, clause, subject, settings);
    const green = isGreen(verdict, strict);
    results.push({ id, sentence: clause.sentence, outcome: verdict.outcome, green, detail: explain(verdict) });
  }
  return { subject: subject.name, seed: settings.seed, strict, ok: results.every(({ green }) => green), results };
}

function selected(only: readonly JournalClauseId[] | undefined): readonly JournalClauseId[] {
  if (only === undefined) return journalClauseIds;
  for (const id of only) {
    if (!Object.hasOwn(JOURNAL_CLAUSES, id)) throw new TypeError(`only: unknown clause ${JSON.stringify(id)}`);
  }
  if (only.length === 0) throw new TypeError("only: expected at least one clause, got none; leave it out to run all");
  return [...new Set(only)];
}
