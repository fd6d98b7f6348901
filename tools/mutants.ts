// SPDX-License-Identifier: Apache-2.0
// `corepack pnpm mutants`: every mutant driver must fail exactly the clauses that it names, and every
// clause must be failed by some mutant. Exits 1 otherwise.
import { checkJournal, clauseIds, type JournalClauseId, journalClauseIds } from "@tsoracle/conformance";
import { decidingMutants } from "../packages/conformance/test/journal/mutants/deciding.ts";
import { keepingMutants } from "../packages/conformance/test/journal/mutants/keeping.ts";
import { MUTANTS } from "../packages/conformance/test/mutants/index.ts";
import { judgeMutant, type MutantResult, unprovenClauses } from "../packages/conformance/test/mutants/judge.ts";

function show({ mutant, failed, missed, surprising, details }: MutantResult): string {
  const verdict = missed.length + surprising.length === 0 ? "ok  " : "WRONG";
  const lines = [
    `${verdict} ${mutant.name}: ${mutant.mistake}`,
    `       expected ${mutant.breaks.join(", ")}`,
    `       failed   ${failed.join(", ") || "nothing"}`,
    ...missed.map((id) => `       MISSED ${id}`),
    ...surprising.map((id) => `       SURPRISE ${id}: ${details.get(id)}`),
  ];
  return lines.join("\n");
}

const results: MutantResult[] = [];
for (const mutant of MUTANTS) {
  const result = await judgeMutant(mutant);
  results.push(result);
  console.log(show(result));
}
const wrong = results.filter(({ missed, surprising }) => missed.length + surprising.length > 0).length;
const unproven = unprovenClauses(results);
for (const id of unproven) console.log(`UNPROVEN ${id}: no mutant fails it`);
console.log(
  `${results.length - wrong} of ${results.length} mutants fail exactly what they name; ` +
    `${clauseIds.length - unproven.length} of ${clauseIds.length} clauses can fail`,
);

// The journal kit has clauses and mutants of its own.
const journalMutants = [...decidingMutants, ...keepingMutants];
const journalProven = new Set<JournalClauseId>();
let journalWrong = 0;
for (const { name, mistake, breaks, subject } of journalMutants) {
  const red = (await checkJournal(subject)).results.filter(({ green }) => !green);
  for (const { id, detail } of red) if (!detail.startsWith("the clause could not be judged")) journalProven.add(id);
  const failed = red.map(({ id }) => id);
  const exact = failed.length === breaks.length && breaks.every((id) => failed.includes(id));
  if (!exact) journalWrong += 1;
  console.log(`${exact ? "ok  " : "WRONG"} ${name}: ${mistake}`);
  console.log(`       expected ${breaks.join(", ")}\n       failed   ${failed.join(", ") || "nothing"}`);
}
const journalUnproven = journalClauseIds.filter((id) => !journalProven.has(id));
for (const id of journalUnproven) console.log(`UNPROVEN ${id}: no mutant fails it`);
console.log(
  `journals: ${journalMutants.length - journalWrong} of ${journalMutants.length} mutants fail exactly what they name; ` +
    `${journalClauseIds.length - journalUnproven.length} of ${journalClauseIds.length} clauses can fail`,
);
process.exitCode = wrong + unproven.length + journalWrong + journalUnproven.length > 0 ? 1 : 0;
