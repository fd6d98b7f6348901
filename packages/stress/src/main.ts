// SPDX-License-Identifier: Apache-2.0
import { randomInt } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { toJson } from "@tsoracle/conformance/checker";
import { STRESS_DRIVERS } from "./drivers/index.ts";
import { readRequest, type StressOptions, usage } from "./options.ts";
import { renderReport } from "./render.ts";
import { runStress } from "./run.ts";
import { renderSessionReport } from "./sessions/render-sessions.ts";
import { runSessionStress } from "./sessions/run-sessions.ts";
import type { SessionStressOptions } from "./sessions/session-options.ts";
import { UsageError } from "./usage-error.ts";

const EXIT_CLEAN = 0;
const EXIT_VIOLATION = 1;
const EXIT_USAGE = 2;
const EXIT_HARNESS = 3;
const EXIT_INTERRUPTED = 130;
const EXIT_TERMINATED = 143;

// What has been started ends with this process; see test-services.
process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
process.once("SIGTERM", () => process.exit(EXIT_TERMINATED));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function stress(options: StressOptions): Promise<number> {
  const { driver, seconds, seed, faults, freshness } = options;
  process.stdout.write(
    `stress --driver ${driver.name} --seconds ${seconds} --faults ${faults.join(",")} --seed ${seed} --freshness ${freshness}\n`,
  );
  const report = await runStress(options, say);
  process.stdout.write(renderReport(report));
  return await conclude(report, options.json);
}

async function stressSessions(options: SessionStressOptions): Promise<number> {
  const { store, sessions, seconds, seed, faults } = options;
  process.stdout.write(
    `stress --driver sessions --store ${store.name} --sessions ${sessions} --seconds ${seconds} --faults ${faults.join(",")} --seed ${seed}\n`,
  );
  const report = await runSessionStress(options, say);
  process.stdout.write(renderSessionReport(report));
  return await conclude(report, options.json);
}

async function conclude(report: { readonly ok: boolean }, json: string | undefined): Promise<number> {
  if (json !== undefined) await writeFile(json, `${JSON.stringify(toJson(report), null, 2)}\n`);
  return report.ok ? EXIT_CLEAN : EXIT_VIOLATION;
}

async function perform(args: readonly string[]): Promise<number> {
  const request = readRequest(args, STRESS_DRIVERS, () => randomInt(2 ** 32));
  switch (request.kind) {
    case "driver":
      return await stress(request.options);
    case "sessions":
      return await stressSessions(request.options);
    case "help":
      process.stdout.write(usage(STRESS_DRIVERS));
      return EXIT_CLEAN;
    default:
      return request satisfies never;
  }
}

async function main(args: readonly string[]): Promise<number> {
  try {
    return await perform(args);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${usage(STRESS_DRIVERS)}`);
      return EXIT_USAGE;
    }
    process.stderr.write(`the harness failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_HARNESS;
  }
}

process.exit(await main(process.argv.slice(2)));
