// SPDX-License-Identifier: Apache-2.0
import { CLAUSES, clauseIds } from "./catalogue.ts";
import type { ClauseId } from "./clause-id.ts";
import { runClause } from "./run-clause.ts";
import { type RunOptions, type Settings, settle } from "./settings.ts";
import type { Runner, Subject } from "./subject.ts";
import { validateSubject } from "./validate-subject.ts";
import { explain, isGreen, plan } from "./verdict.ts";

/**
 * Registers every clause as a test of the given runner, in strict mode. Works with vitest and
 * `node:test`; give the runner at least 30 s per test.
 *
 * Names tell the truth: a known gap, a clause that does not apply and one that could not be exercised
 * say so, with the reason; the latter two are skipped where the runner can skip.
 *
 * @throws TypeError for a subject that contradicts itself.
 */
export function conformance(runner: Runner, subject: Subject, options: RunOptions = {}): void {
  validateSubject(subject);
  const settings = settle(options);
  runner.describe(`conformance of ${subject.name} (seed ${settings.seed})`, () => {
    for (const id of clauseIds) register(runner, id, subject, settings);
  });
}

function register(runner: Runner, id: ClauseId, subject: Subject, settings: Settings): void {
  const clause = CLAUSES[id];
  const planned = plan(id, clause, subject);
  const title = `${id}: ${clause.sentence}`;
  const body = (): Promise<void> => demand(id, subject, settings);
  switch (planned.kind) {
    case "run":
      runner.it(planned.gap === undefined ? title : `${title} [known gap: ${planned.gap}]`, body);
      break;
    case "not-applicable":
      (runner.it.skip ?? runner.it)(`${title} [not applicable: ${planned.reason}]`, body);
      break;
    case "unexercised": {
      // Without a waiver it is registered as a test, which then fails.
      const show = planned.waiver === undefined ? runner.it : (runner.it.skip ?? runner.it);
      show(`${title} [unexercised, ${planned.lacking}: ${planned.waiver ?? "no waiver"}]`, body);
      break;
    }
    default:
      planned satisfies never;
  }
}

async function demand(id: ClauseId, subject: Subject, settings: Settings): Promise<void> {
  const verdict = await runClause(id, CLAUSES[id], subject, settings);
  if (isGreen(verdict, true)) return;
  const cause = verdict.outcome === "fail" && "error" in verdict.attempt ? verdict.attempt.error : undefined;
  throw new Error(`${id} ${verdict.outcome}: ${explain(verdict)}`, cause === undefined ? undefined : { cause });
}
