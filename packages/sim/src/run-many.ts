// SPDX-License-Identifier: Apache-2.0
import { addCounts, type Counts, newCounts } from "./counters.ts";
import { type CaseOptions, planCase } from "./plan.ts";
import { runCase } from "./run-case.ts";
import type { Subject } from "./subject.ts";

/** Every so many cases one is played twice, and both must have the same trace (invariant 17). */
const REPEAT_EVERY = 50;

/** A case that broke an invariant. */
export interface Failure {
  readonly seed: number;
  readonly step: number;
  readonly atMs: number;
  readonly invariant: string;
  readonly message: string;
}

export interface RunResult {
  readonly cases: number;
  readonly steps: number;
  readonly repeated: number;
  readonly counts: Counts;
  readonly failures: readonly Failure[];
}

export interface RunOptions extends CaseOptions {
  readonly first: number;
  readonly count: number;
  /** Distance from one seed to the next; 1 if left out. */
  readonly stride?: number | undefined;
  /** Gives up after so many failures. */
  readonly mostFailures?: number | undefined;
}

/** Plays many cases one after the other. */
export function runMany(subject: Subject, options: RunOptions): RunResult {
  const { first, count, stride = 1, mostFailures = 20 } = options;
  const counts = newCounts();
  const failures: Failure[] = [];
  let [cases, steps, repeated] = [0, 0, 0];
  for (let at = 0; at < count && failures.length < mostFailures; at++) {
    const seed = first + at * stride;
    const plan = planCase(seed, options);
    const result = runCase(subject, plan);
    cases += 1;
    steps += result.steps;
    addCounts(counts, result.counts);
    if (result.violation !== undefined) {
      failures.push({ seed, step: result.steps, atMs: Math.round(result.virtualMs), ...result.violation });
    } else if (seed % REPEAT_EVERY === 0) {
      repeated += 1;
      const again = runCase(subject, plan);
      if (again.hash !== result.hash) {
        const message = `the case gave trace ${result.hash}, then ${again.hash}`;
        failures.push({ seed, step: again.steps, atMs: Math.round(again.virtualMs), invariant: "17", message });
      }
    }
  }
  return { cases, steps, repeated, counts, failures };
}

export function mergeRuns(runs: readonly RunResult[]): RunResult {
  const counts = newCounts();
  let [cases, steps, repeated] = [0, 0, 0];
  for (const run of runs) {
    addCounts(counts, run.counts);
    cases += run.cases;
    steps += run.steps;
    repeated += run.repeated;
  }
  const failures = runs.flatMap((run) => run.failures).sort((a, b) => a.seed - b.seed);
  return { cases, steps, repeated, counts, failures };
}
