// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { CLAUSES, clauseIds } from "./catalogue.ts";
import type { ClauseId } from "./clause-id.ts";
import { runClause } from "./run-clause.ts";
import { type RunOptions, type Settings, settle } from "./settings.ts";
import type { Runner, Subject } from "./subject.ts";
import { validateSubject } from "./validate-subject.ts";
import { explain, isGreen, plan } from "./verdict.ts";
import { demandMissingFaults } from "./waived-faults.ts";

/**
 * Registers every clause as a test of the given runner, in strict mode. Works with vitest and
 * `node:test`; give the runner at least 30 s per test.
 *
 * Names tell the truth. A known gap says so, with its reason. What could not be exercised is a failing
 * test, unless a waiver gives a reason. Clauses under a waiver, and clauses that do not apply, are no
 * tests: one test each names them all with the reasons, and passes only if the reasons are true.
 *
 * @throws TypeError for a subject that contradicts itself.
 */
export function conformance(runner: Runner, subject: Subject, options: RunOptions = {}): void {
  validateSubject(subject);
  const settings = settle(options);
  runner.describe(`conformance of ${subject.name} (seed ${settings.seed})`, () => {
    const inapplicable: string[] = [];
    const waived: string[] = [];
    for (const id of clauseIds) {
      const planned = plan(id, CLAUSES[id], subject);
      const title = `${id}: ${CLAUSES[id].sentence}`;
      switch (planned.kind) {
        case "run":
          runner.it(planned.gap === undefined ? title : `${title} [known gap: ${planned.gap}]`, () =>
            demand(id, subject, settings),
          );
          break;
        case "not-applicable":
          inapplicable.push(`${id} (${planned.reason})`);
          break;
        case "unexercised":
          if (planned.waiver === undefined) {
            runner.it(`${title} [unexercised, ${planned.lacking}: no waiver]`, () => demand(id, subject, settings));
          } else waived.push(`${id} (${planned.lacking}: ${planned.waiver})`);
          break;
        default:
          planned satisfies never;
      }
    }
    if (waived.length > 0) {
      runner.it(`NOT exercised, under waivers: ${waived.join(", ")}`, () =>
        demandMissingFaults(subject, settings.seed),
      );
    }
    if (inapplicable.length > 0) {
      runner.it(`not applicable: ${inapplicable.join(", ")}`, () => demandCapabilities(subject, settings));
    }
  });
}

async function demand(id: ClauseId, subject: Subject, settings: Settings): Promise<void> {
  const verdict = await runClause(id, CLAUSES[id], subject, settings);
  if (isGreen(verdict, true)) return;
  const cause = verdict.outcome === "fail" && "error" in verdict.attempt ? verdict.attempt.error : undefined;
  throw new Error(`${id} ${verdict.outcome}: ${explain(verdict)}`, cause === undefined ? undefined : { cause });
}

/** What does not apply follows from the capabilities that the subject states; the driver must agree. */
async function demandCapabilities(subject: Subject, settings: Settings): Promise<void> {
  const universe = await subject.provision(settings.seed);
  try {
    const { capabilities } = await universe.open(0);
    assert.deepEqual({ ...capabilities }, { ...subject.capabilities }, "what does not apply follows from these");
  } finally {
    await universe[Symbol.asyncDispose]();
  }
}
