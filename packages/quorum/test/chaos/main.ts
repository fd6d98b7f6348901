// SPDX-License-Identifier: Apache-2.0
// `corepack pnpm chaos`: three real processes, a quorum of two, faults of four classes, and a verdict
// (`fencing-quorum-sessions.md` 2.9).
import { randomInt } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { runCampaign } from "./campaign.ts";
import { type CampaignOptions, readOptions, USAGE, UsageError } from "./options.ts";
import { renderReport } from "./render.ts";

const EXIT_PASS = 0;
const EXIT_FAIL = 1;
const EXIT_USAGE = 2;
const EXIT_HARNESS = 3;
const EXIT_INTERRUPTED = 130;
const EXIT_TERMINATED = 143;

// What has been started ends with this process.
process.once("SIGINT", () => process.exit(EXIT_INTERRUPTED));
process.once("SIGTERM", () => process.exit(EXIT_TERMINATED));

/** Before anything is started: a long run must not end at a file that cannot be written. */
function openReport(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new UsageError(`--json: expected a file that can be written, got ${(error as Error).message}`);
  }
}

async function campaign(options: CampaignOptions): Promise<number> {
  const { cycles, writes, faults, seed, lanes, writer } = options;
  const file = options.json === undefined ? undefined : openReport(options.json);
  const report = (line: string): void => {
    if (file !== undefined) writeSync(file, `${line}\n`);
  };
  process.stdout.write(
    `chaos --cycles ${cycles} --writes ${writes} --seed ${seed} --lanes ${lanes}, writer ${writer}: ${faults.join(", ")}\n`,
  );
  const began = performance.now();
  const result = await runCampaign({
    ...options,
    // A control must fail on a slow disk, too.
    holdUntilAnswered: writer !== "quorum",
    onCycle: (line) => {
      process.stdout.write(`${JSON.stringify(line)}\n`);
      report(JSON.stringify(line));
    },
  });
  const { verdict, classes } = result;
  report(JSON.stringify({ summary: { verdict, seed, writer, classes } }));
  process.stdout.write(`${renderReport(result)}${Math.round((performance.now() - began) / 1_000)} s\n`);
  return verdict === "pass" ? EXIT_PASS : EXIT_FAIL;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readOptions(args, () => randomInt(2 ** 32));
    if (options !== undefined) return await campaign(options);
    process.stdout.write(USAGE);
    return EXIT_PASS;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${USAGE}`);
      return EXIT_USAGE;
    }
    process.stderr.write(`the harness failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_HARNESS;
  }
}

process.exit(await main(process.argv.slice(2)));
