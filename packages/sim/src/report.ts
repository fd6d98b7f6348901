// SPDX-License-Identifier: Apache-2.0
import { COUNTED, unfired } from "./counters.ts";
import { minimise } from "./minimise.ts";
import type { CaseOptions } from "./plan.ts";
import { runCase } from "./run-case.ts";
import type { Failure, RunResult } from "./run-many.ts";
import type { Subject } from "./subject.ts";

/** From so many cases on every counter must have moved. */
export const COVERAGE_FROM = 1_000;
const LAST_EVENTS = 40;

/** What the run amounts to, for a person. */
export function describeRun({ cases, steps, repeated, counts, failures }: RunResult, elapsedMs: number): string {
  const perHour = Math.round((cases / elapsedMs) * 3_600_000);
  const width = Math.max(...COUNTED.map(({ length }) => length));
  return [
    `${cases} cases, ${steps} steps, ${(elapsedMs / 1000).toFixed(1)} s, ${perHour} cases an hour`,
    `${repeated} cases played twice with the same trace`,
    ...COUNTED.map((name) => `  ${name.padEnd(width)} ${counts[name]}`),
    `${failures.length} violations`,
  ].join("\n");
}

/** What must have fired and did not, in a run that was long enough. */
export function missingCoverage({ cases, counts }: RunResult): readonly string[] {
  return cases < COVERAGE_FROM ? [] : unfired(counts);
}

/** One failing case: what broke, the smallest form that was found, its last events, and how to see it again. */
export function describeFailure(subject: Subject, failure: Failure, options: CaseOptions): string {
  const { seed, step, atMs, invariant, message } = failure;
  const plan = minimise(subject, seed, invariant, options);
  const again = runCase(subject, plan, true);
  const faults = plan.faults.map((fault) => `${fault.number}: ${fault.kind} at ${fault.atMs.toFixed(0)} ms`);
  const size = options.nodes === undefined ? "" : ` --nodes ${options.nodes}`;
  const drawn = options.profile === undefined ? size : `${size} --profile ${options.profile}`;
  return [
    `seed ${seed}, step ${step}, ${atMs} ms: invariant ${invariant}`,
    `  ${message}`,
    `  smallest form found: ${faults.length} faults (${faults.join(", ")}), ${plan.safetyMs.toFixed(0)} ms; ${again.violation?.message ?? ""}`,
    ...again.last.slice(-LAST_EVENTS).map((line) => `    ${line}`),
    `  corepack pnpm sim --seed ${seed}${drawn}`,
    `  corepack pnpm sim --seed ${seed}${drawn} --safety-ms ${Math.ceil(plan.safetyMs)} --keep ${plan.faults.map((fault) => fault.number).join(",")},`,
  ].join("\n");
}
