// SPDX-License-Identifier: Apache-2.0
import { type RunOptions, type Settings, settle } from "../settings.ts";
import type { Runner } from "../subject.ts";
import { explain, isGreen } from "../verdict.ts";
import type { JournalClauseId } from "./clause-id.ts";
import { JOURNAL_CLAUSES, journalClauseIds } from "./journal-catalogue.ts";
import { type JournalFaultName, type JournalSubject, validateJournalSubject } from "./journal-subject.ts";
import { planJournalClause, runJournalClause } from "./run-journal-clause.ts";

/**
 * Registers every clause of the journal contract as a test of the given runner, in strict mode. Works with vitest and
 * `node:test`; give the runner at least 30 s per test.
 *
 * Names tell the truth. A known gap says so, with its reason. What could not be exercised is a failing test, unless a
 * waiver gives a reason; clauses under a waiver, and clauses that do not apply, are named with their reasons by one
 * test each, which passes only if no fault is waived that the universe has.
 *
 * @throws TypeError for a subject that contradicts itself.
 */
export function journalConformance(runner: Runner, subject: JournalSubject, options: RunOptions = {}): void {
  validateJournalSubject(subject, JOURNAL_CLAUSES);
  const settings = settle(options);
  runner.describe(`journal conformance of ${subject.name} (seed ${settings.seed})`, () => {
    const aside: string[] = [];
    for (const id of journalClauseIds) {
      const planned = planJournalClause(id, JOURNAL_CLAUSES[id], subject);
      const title = `${id}: ${JOURNAL_CLAUSES[id].sentence}`;
      const test = (note: string): unknown => runner.it(`${title}${note}`, () => demand(id, subject, settings));
      switch (planned.kind) {
        case "run":
          test(planned.gap === undefined ? "" : ` [known gap: ${planned.gap}]`);
          break;
        case "not-applicable":
          aside.push(`${id} (not applicable: ${planned.reason})`);
          break;
        case "unexercised":
          if (planned.waiver === undefined) test(` [unexercised, ${planned.lacking}: no waiver]`);
          else aside.push(`${id} (${planned.lacking}: ${planned.waiver})`);
          break;
        default:
          planned satisfies never;
      }
    }
    if (aside.length > 0) {
      runner.it(`NOT exercised: ${aside.join(", ")}`, () => demandMissingFaults(subject, settings.seed));
    }
  });
}

async function demand(id: JournalClauseId, subject: JournalSubject, settings: Settings): Promise<void> {
  const verdict = await runJournalClause(id, JOURNAL_CLAUSES[id], subject, settings);
  if (isGreen(verdict, true)) return;
  const cause = verdict.outcome === "fail" && "error" in verdict.attempt ? verdict.attempt.error : undefined;
  throw new Error(`${id} ${verdict.outcome}: ${explain(verdict)}`, cause === undefined ? undefined : { cause });
}

/** A waiver is for what the harness cannot do. */
async function demandMissingFaults(subject: JournalSubject, seed: number): Promise<void> {
  const universe = await subject.provision(seed);
  try {
    for (const name of Object.keys(subject.waivers ?? {}) as JournalFaultName[]) {
      if (universe.faults[name] === undefined) continue;
      throw new TypeError(`journal subject ${subject.name}: the universe has the fault "${name}", which is waived`);
    }
  } finally {
    await universe[Symbol.asyncDispose]();
  }
}
