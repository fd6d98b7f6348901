// SPDX-License-Identifier: Apache-2.0
import { type ClauseId, check, clauseIds } from "../../src/index.ts";
import type { Mutant } from "./mutant.ts";

export interface MutantResult {
  readonly mutant: Mutant;
  /** The clauses that the mutant failed. */
  readonly failed: readonly ClauseId[];
  /** Clauses that should have noticed and did not. */
  readonly missed: readonly ClauseId[];
  /** Clauses that failed and are not named. */
  readonly surprising: readonly ClauseId[];
  /** How each clause failed. */
  readonly details: ReadonlyMap<ClauseId, string>;
}

/** Runs the kit over a mutant and compares what failed with what it names. */
export async function judgeMutant(mutant: Mutant): Promise<MutantResult> {
  const report = await check(mutant.subject);
  const red = report.results.filter(({ green }) => !green);
  const failed = red.map(({ id }) => id);
  return {
    mutant,
    failed,
    missed: mutant.breaks.filter((id) => !failed.includes(id)),
    surprising: failed.filter((id) => !mutant.breaks.includes(id)),
    details: new Map(red.map(({ id, detail }) => [id, detail])),
  };
}

/**
 * Clauses that no mutant fails by an assertion: nothing shows that they can. A clause that only crashes or runs out of
 * time on its mutants shows nothing, because a driver's gap could not be confirmed by it either.
 */
export function unprovenClauses(results: readonly MutantResult[]): readonly ClauseId[] {
  const judged = ({ details }: MutantResult): ClauseId[] =>
    [...details].filter(([, detail]) => !detail.startsWith("the clause could not be judged")).map(([id]) => id);
  const proven = new Set(results.flatMap(judged));
  return clauseIds.filter((id) => !proven.has(id));
}
