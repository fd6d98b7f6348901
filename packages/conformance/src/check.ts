// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";
import { CLAUSES, clauseIds } from "./catalogue.ts";
import type { ClauseId } from "./clause-id.ts";
import { runClause } from "./run-clause.ts";
import { type RunOptions, settle } from "./settings.ts";
import type { FaultName, Subject } from "./subject.ts";
import { validateSubject } from "./validate-subject.ts";
import { explain, isGreen, OUTCOMES, type Outcome } from "./verdict.ts";

export interface CheckOptions extends RunOptions {
  /** Whether a clause that was not exercised needs a waiver with a reason. @defaultValue true */
  readonly strict?: boolean | undefined;
  /** Runs only these clauses. @defaultValue all */
  readonly only?: readonly ClauseId[] | undefined;
  /** Called after each clause, for those who show progress. */
  readonly onResult?: ((result: ClauseResult) => void) | undefined;
}

/** The finding on one clause, as data. */
export interface ClauseResult {
  readonly id: ClauseId;
  readonly sentence: string;
  readonly outcome: Outcome;
  /** Whether this finding lets the run pass. */
  readonly green: boolean;
  /** What a person needs besides the outcome: the reason or the error; empty for a pass. */
  readonly detail: string;
}

/** The findings on one subject. Has neither times nor dates: equal runs give equal reports. */
export interface Report {
  readonly subject: string;
  readonly capabilities: DriverCapabilities;
  readonly nodes: number;
  readonly faults: readonly FaultName[];
  /** Faults that the harness cannot inject, with the reason. */
  readonly waivers: Readonly<Partial<Record<FaultName, string>>>;
  readonly seed: number;
  readonly strict: boolean;
  readonly ok: boolean;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly results: readonly ClauseResult[];
}

/**
 * Runs the kit over a subject, one clause after the other.
 *
 * Rejects only for a subject or options that contradict themselves; what the driver does wrong is in
 * the report.
 *
 * @throws TypeError that names what is wrong with the subject or the options.
 */
export async function check(subject: Subject, options: CheckOptions = {}): Promise<Report> {
  validateSubject(subject);
  const settings = settle(options);
  const strict = options.strict ?? true;
  const results: ClauseResult[] = [];
  const ids = options.only ?? clauseIds;
  for (const id of ids) {
    if (!Object.hasOwn(CLAUSES, id)) throw new TypeError(`only: unknown clause ${JSON.stringify(id)}`);
  }
  for (const id of ids) {
    const { sentence } = CLAUSES[id];
    const verdict = await runClause(id, CLAUSES[id], subject, settings);
    const result: ClauseResult = {
      id,
      sentence,
      outcome: verdict.outcome,
      green: isGreen(verdict, strict),
      detail: explain(verdict),
    };
    results.push(result);
    options.onResult?.(result);
  }
  return {
    subject: subject.name,
    capabilities: subject.capabilities,
    nodes: subject.nodes,
    faults: [...subject.faults],
    waivers: { ...subject.waivers },
    seed: settings.seed,
    strict,
    ok: results.every(({ green }) => green),
    counts: countOutcomes(results),
    results,
  };
}

function countOutcomes(results: readonly ClauseResult[]): Record<Outcome, number> {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
}
