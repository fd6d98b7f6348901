// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDependency, runNode } from "./run-command.ts";
import {
  closingLine,
  RESULT_FILE_VARIABLE,
  settle,
  settleTogether,
  type TestCounts,
  type TestRun,
} from "./test-counts.ts";

/**
 * `corepack pnpm test [vitest arguments]`: builds what tests start as processes, makes sure of the real
 * servers that tests use, runs every test, and ends with one line that says how many passed and failed. Exits 1 unless all is well and at least one test ran.
 */
async function main(args: readonly string[]): Promise<number> {
  const build = await runDependency("typescript", "bin/tsc", ["-b"], { inherit: true });
  if (build.code !== 0) {
    process.stdout.write("The build failed, so no test ran: fix the compiler errors above.\n");
    return report(settle(undefined, build.code));
  }
  const services = await runNode(["packages/test-services/dist/cli.js", "ensure"], { inherit: true });
  if (services.code !== 0) {
    process.stdout.write("A real server that tests need is missing, so no test ran: see above for what was tried.\n");
    return report(settle(undefined, services.code));
  }
  const directory = mkdtempSync(join(tmpdir(), "tsoracle-test-"));
  try {
    const runs = await Promise.all(lanes.map((lane) => runLane(lane, join(directory, `${lane.project}.json`), args)));
    const counts = settleTogether(runs);
    if (counts.passed === 0)
      process.stdout.write("No test passed: see above, and check the filter if one was given.\n");
    return report(counts);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Lane {
  /** A project of vitest.config.ts. */
  readonly project: string;
  readonly niceness: number;
  /** How many of its files run at a time. */
  readonly atOnce: number;
}

/**
 * Tests with servers spend most of their time waiting, for tenures to run out and for disks. So two of their files run
 * at a time, whatever the machine has, and what only computes fills the gaps at low priority.
 */
const lanes: readonly Lane[] = [
  { project: "servers", niceness: 0, atOnce: 2 },
  { project: "models", niceness: 10, atOnce: 1 },
];

async function runLane({ project, niceness, atOnce }: Lane, file: string, args: readonly string[]): Promise<TestRun> {
  const reporters = ["--reporter=default", "--reporter=./tools/test-reporter.ts"];
  const run = await runDependency(
    "vitest",
    "vitest.mjs",
    // A filter may leave a lane empty; that both are is found when they are counted together.
    ["run", "--project", project, `--maxWorkers=${atOnce}`, "--passWithNoTests", ...reporters, ...args],
    { inherit: true, niceness, env: { [RESULT_FILE_VARIABLE]: file } },
  );
  return { counts: readCounts(file), exitCode: run.code };
}

/** Undefined when the run ended before it had a result. */
function readCounts(file: string): TestCounts | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as TestCounts;
  } catch {
    return undefined;
  }
}

function report(counts: TestCounts): number {
  process.stdout.write(`${closingLine(counts)}\n`);
  return counts.failed === 0 ? 0 : 1;
}

// The package manager hands a separating "--" on; vitest would read what follows as file names.
process.exitCode = await main(process.argv.slice(2).filter((argument, index) => index > 0 || argument !== "--"));
