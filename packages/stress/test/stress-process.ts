// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StressReport } from "../src/report.ts";

const PROGRAM = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** A run of a few seconds, on a machine that other tests keep busy. */
export const LIMIT_MS = 150_000;

/** A run of the command line that goes on. */
export interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export function start(...args: string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += String(text);
    });
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  return { child, output: () => output, ended };
}

/** A run to its end, with the report that it wrote. */
export async function runToEnd<Report = StressReport>(
  ...args: string[]
): Promise<{ readonly exit: number | NodeJS.Signals | null; readonly output: string; readonly report: Report }> {
  const scratch = mkdtempSync(join(tmpdir(), "tsoracle-stress-test-"));
  try {
    const json = join(scratch, "report.json");
    const run = start(...args, "--json", json);
    const exit = await run.ended;
    const output = run.output();
    // 2 and 3 write no report; what they printed says why.
    if (exit !== 0 && exit !== 1) throw new Error(`the run ended with ${exit}:\n${output}`);
    return { exit, output, report: JSON.parse(readFileSync(json, "utf8")) as Report };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
