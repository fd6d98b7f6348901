// SPDX-License-Identifier: Apache-2.0
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as subject from "@tsoracle/driver-raft/simulation";
import { hunt } from "./mutants/hunt.ts";
import { type Mutant, mutants } from "./mutants/list.ts";
import { readOptions, type SimOptions, USAGE } from "./options.ts";
import { describeFailure, describeRun, missingCoverage } from "./report.ts";
import { mergeRuns, type RunResult, runMany } from "./run-many.ts";

const SHOWN_FAILURES = 3;
const SHOWN_TEXT = 140;

/** The cases of one of the processes: every so many-th seed. */
function share(options: SimOptions, job: number): RunResult {
  const { seed, seeds, jobs, nodes, profile, keep, safetyMs } = options;
  const count = Math.max(0, Math.ceil((seeds - job) / jobs));
  return runMany(subject, { first: seed + job, count, stride: jobs, nodes, profile, keep, safetyMs });
}

async function inProcesses(options: SimOptions): Promise<RunResult> {
  const args = process.argv.slice(2);
  const runs = Array.from({ length: options.jobs }, (_, job) => {
    const child = fork(fileURLToPath(import.meta.url), [...args, "--worker"], {
      env: { ...process.env, SIM_JOB: String(job) },
    });
    return new Promise<RunResult>((resolve, reject) => {
      child.once("message", (message) => resolve(message as RunResult));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`job ${job} ended with code ${code} and without a result`)));
    });
  });
  return mergeRuns(await Promise.all(runs));
}

async function run(options: SimOptions): Promise<number> {
  const begunMs = performance.now();
  const result = options.jobs > 1 ? await inProcesses(options) : share(options, 0);
  const elapsedMs = performance.now() - begunMs;
  const missing = missingCoverage(result);
  process.stdout.write(`${describeRun(result, elapsedMs)}\n`);
  for (const failure of result.failures.slice(0, SHOWN_FAILURES)) {
    process.stdout.write(`\n${describeFailure(subject, failure, options)}\n`);
  }
  for (const name of missing) process.stdout.write(`never happened: ${name}\n`);
  if (options.json !== undefined) {
    writeFileSync(
      options.json,
      `${JSON.stringify({ ...result, elapsedMs, missing, firstSeed: options.seed }, undefined, 2)}\n`,
    );
  }
  return result.failures.length > 0 || missing.length > 0 ? 1 : 0;
}

/** Each mutant with the first seed that finds it out, and the invariant. A mutant that survives is a failure of the simulation. */
async function showMutants(list: readonly Mutant[], { seed, seeds }: SimOptions): Promise<number> {
  let survivors = 0;
  for (const mutant of list) {
    const found = await hunt(mutant, seed, seeds);
    const expected = found !== undefined && mutant.caughtBy.includes(found.invariant);
    if (!expected) survivors += 1;
    const where = found === undefined ? "SURVIVED" : `seed ${found.seed}, ${found.message.slice(0, SHOWN_TEXT)}`;
    process.stdout.write(`${expected ? "caught" : "WRONG "} ${mutant.rule.padEnd(4)} ${mutant.name}: ${where}\n`);
  }
  process.stdout.write(`${list.length - survivors} of ${list.length} mutants caught by what they break\n`);
  return survivors > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  let options: SimOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return 2;
  }
  switch (options.mode) {
    case "run":
      return await run(options);
    case "worker":
      process.send?.(share(options, Number(process.env["SIM_JOB"])));
      process.disconnect?.();
      return 0;
    case "canary":
      return await showMutants(mutants.slice(0, 1), options);
    case "mutants":
      return await showMutants(mutants, options);
    default:
      return options.mode satisfies never;
  }
}

process.exitCode = await main();
