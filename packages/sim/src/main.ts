// SPDX-License-Identifier: Apache-2.0
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as subject from "@tsoracle/driver-raft/simulation";
import { hunt } from "./mutants/hunt.ts";
import { mutants } from "./mutants/list.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { readOptions, type SimOptions, USAGE } from "./options.ts";
import { describeFailure, describeRun, missingCoverage } from "./report.ts";
import { mergeRuns, type RunResult, runMany } from "./run-many.ts";

const SHOWN_FAILURES = 3;
const SHOWN_TEXT = 140;
/** Cases after which a process says how it went. */
const PART = 500;

/** The cases of one of the processes, every so many-th seed, a part at a time. */
function* share(options: SimOptions, job: number): Generator<RunResult> {
  const { seed, seeds, jobs, nodes, profile, keep, safetyMs } = options;
  const count = Math.max(0, Math.ceil((seeds - job) / jobs));
  for (let done = 0; done < count; done += PART) {
    const first = seed + job + done * jobs;
    yield runMany(subject, {
      first,
      count: Math.min(PART, count - done),
      stride: jobs,
      nodes,
      profile,
      keep,
      safetyMs,
    });
  }
}

/** Plays the cases in several processes; `onPart` hears of each part that one has finished. */
async function inProcesses(options: SimOptions, onPart: (part: RunResult) => void): Promise<void> {
  const args = process.argv.slice(2);
  const runs = Array.from({ length: options.jobs }, (_, job) => {
    const env = { ...process.env, SIM_JOB: String(job) };
    const child = fork(fileURLToPath(import.meta.url), [...args, "--worker"], { env });
    return new Promise<void>((resolve, reject) => {
      child.on("message", (part) => onPart(part as RunResult));
      child.once("error", reject);
      child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`job ${job} ended with code ${code}`))));
    });
  });
  await Promise.all(runs);
}

/** Plays all cases; after each part the result up to then is written down, so that a long run that is ended is not lost. */
async function playAll(options: SimOptions, begunMs: number): Promise<RunResult> {
  let result = mergeRuns([]);
  const take = (part: RunResult): void => {
    result = mergeRuns([result, part]);
    const elapsedMs = performance.now() - begunMs;
    writeResult(options, result, elapsedMs);
    if (options.seeds > PART) {
      process.stderr.write(
        `${result.cases} of ${options.seeds} cases, ${Math.round(elapsedMs / 1000)} s, ${result.failures.length} violations\n`,
      );
    }
  };
  if (options.jobs > 1) await inProcesses(options, take);
  else for (const part of share(options, 0)) take(part);
  return result;
}

function writeResult({ json, seed, seeds }: SimOptions, result: RunResult, elapsedMs: number): void {
  if (json === undefined) return;
  const missing = missingCoverage(result);
  const whole = { firstSeed: seed, asked: seeds, elapsedMs: Math.round(elapsedMs), missing, ...result };
  writeFileSync(json, `${JSON.stringify(whole, undefined, 2)}\n`);
}

async function run(options: SimOptions): Promise<number> {
  const begunMs = performance.now();
  const result = await playAll(options, begunMs);
  const elapsedMs = performance.now() - begunMs;
  const missing = missingCoverage(result);
  process.stdout.write(`${describeRun(result, elapsedMs)}\n`);
  for (const failure of result.failures.slice(0, SHOWN_FAILURES)) {
    process.stdout.write(`\n${describeFailure(subject, failure, options)}\n`);
  }
  for (const name of missing) process.stdout.write(`never happened: ${name}\n`);
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
      for (const part of share(options, Number(process.env["SIM_JOB"]))) process.send?.(part);
      process.disconnect?.();
      return 0;
    case "canary":
      return await showMutants(mutants.slice(0, 1), options);
    case "mutants":
      return await showMutants(
        mutants.filter(({ name, rule }) => name.includes(options.mutant) || rule === options.mutant),
        options,
      );
    default:
      return options.mode satisfies never;
  }
}

process.exitCode = await main();
