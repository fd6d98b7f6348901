// SPDX-License-Identifier: Apache-2.0
import { CLAUSES, clauseIds } from "./catalogue.ts";
import type { ClauseId } from "./clause-id.ts";
import { type ClauseResult, type Report, reportOf, resultOf } from "./report.ts";
import { runClause } from "./run-clause.ts";
import { type RunOptions, settle, whole } from "./settings.ts";
import type { Subject } from "./subject.ts";
import { validateSubject } from "./validate-subject.ts";
import { demandMissingFaults } from "./waived-faults.ts";

export interface CheckOptions extends RunOptions {
  /** Whether a clause that was not exercised needs a waiver with a reason. @defaultValue true */
  readonly strict?: boolean | undefined;
  /** Runs only these clauses, each once. @defaultValue all */
  readonly only?: readonly ClauseId[] | undefined;
  /**
   * How many clauses run at once. Each has a universe of its own, so that more are as good as one where universes share
   * neither time nor a server that some clause would slow down. @defaultValue 1
   */
  readonly concurrency?: number | undefined;
  /** Called as each clause ends, for those who show progress. */
  readonly onResult?: ((result: ClauseResult) => void) | undefined;
}

/**
 * Runs the kit over a subject, by default one clause after the other. The results are in the order of the clauses,
 * whatever ends first.
 *
 * Rejects only for a subject or options that contradict themselves, and for a universe that cannot even be provisioned
 * to see that it lacks the waived faults; what the driver does wrong is in the report.
 *
 * @throws TypeError that names what is wrong with the subject or the options.
 */
export async function check(subject: Subject, options: CheckOptions = {}): Promise<Report> {
  validateSubject(subject);
  const settings = settle(options);
  const strict = options.strict ?? true;
  const ids = selected(options.only);
  const concurrency = whole("concurrency", options.concurrency ?? 1, 1);
  await demandMissingFaults(subject, settings.seed);
  const results: ClauseResult[] = [];
  const waiting = ids.entries();
  const work = async (): Promise<void> => {
    // The workers share one iterator, so that each clause is taken once.
    for (const [place, id] of waiting) {
      const result = resultOf(id, await runClause(id, CLAUSES[id], subject, settings), strict);
      results[place] = result;
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, ids.length) }, work));
  return reportOf(subject, settings.seed, strict, results);
}

function selected(only: readonly ClauseId[] | undefined): readonly ClauseId[] {
  if (only === undefined) return clauseIds;
  for (const id of only) {
    if (!Object.hasOwn(CLAUSES, id)) throw new TypeError(`only: unknown clause ${JSON.stringify(id)}`);
  }
  if (only.length === 0) throw new TypeError("only: expected at least one clause, got none; leave it out to run all");
  return [...new Set(only)];
}
