// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";
import { CLAUSES, clauseIds } from "./catalogue.ts";
import type { ClauseId } from "./clause-id.ts";
import { type RunOptions, settle } from "./settings.ts";
import type { FaultName, Subject } from "./subject.ts";
import { validateSubject } from "./validate-subject.ts";
import { explain, isGreen, judge, OUTCOMES, type Outcome, plan, type Verdict } from "./verdict.ts";

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
 * The report of a run in which every clause that applies holds, or is broken as its gap says. Runs nothing and provisions
 * nothing: it says what the subject declares, for comparison with the report of a real run.
 *
 * @throws TypeError for a subject that contradicts itself.
 */
export function declaredReport(subject: Subject, options: Pick<RunOptions, "seed"> = {}): Report {
  validateSubject(subject);
  const results = clauseIds.map((id) => resultOf(id, declaredVerdict(id, subject), true));
  return reportOf(subject, settle(options).seed, true, results);
}

function declaredVerdict(id: ClauseId, subject: Subject): Verdict {
  const planned = plan(id, CLAUSES[id], subject);
  switch (planned.kind) {
    case "not-applicable":
      return { outcome: "not-applicable", reason: planned.reason };
    case "unexercised":
      return { outcome: "unexercised", lacking: planned.lacking, waiver: planned.waiver };
    case "run":
      return planned.gap === undefined
        ? judge(undefined, { how: "passed" })
        : { outcome: "gap-confirmed", reason: planned.gap };
    default:
      return planned satisfies never;
  }
}

/** A verdict as a line of a report. */
export function resultOf(id: ClauseId, verdict: Verdict, strict: boolean): ClauseResult {
  const { sentence } = CLAUSES[id];
  return { id, sentence, outcome: verdict.outcome, green: isGreen(verdict, strict), detail: explain(verdict) };
}

/** The report that these results make. */
export function reportOf(subject: Subject, seed: number, strict: boolean, results: readonly ClauseResult[]): Report {
  return {
    subject: subject.name,
    capabilities: subject.capabilities,
    nodes: subject.nodes,
    faults: [...subject.faults],
    waivers: { ...subject.waivers },
    seed,
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
