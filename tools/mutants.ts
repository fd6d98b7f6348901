// SPDX-License-Identifier: Apache-2.0
// `corepack pnpm mutants`: every mutant driver must fail exactly the clauses that it names, and every
// clause must be failed by some mutant. Exits 1 otherwise.
import { clauseIds } from "@tsoracle/conformance";
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
process.exitCode = wrong > 0 || unproven.length > 0 ? 1 : 0;
