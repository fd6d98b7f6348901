// SPDX-License-Identifier: Apache-2.0
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { benchCases } from "./cases.ts";
import { type CaseResult, runCase } from "./measure.ts";
import { renderCase } from "./report.ts";

const usage = `usage: bench [--only REGEX] [--json FILE] [--list]

  --only REGEX  run the cases whose name matches
  --json FILE   write the results as JSON, too
  --list        print the names of the cases and what they compare
`;

class UsageError extends Error {}

interface Options {
  readonly only: RegExp;
  readonly json: string | undefined;
  readonly list: boolean;
}

function readOptions(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: args.filter((arg) => arg !== "--"),
      options: { only: { type: "string" }, json: { type: "string" }, list: { type: "boolean" } },
    });
    return { only: new RegExp(values.only ?? ""), json: values.json, list: values.list ?? false };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const chosen = benchCases.filter(({ name }) => options.only.test(name));
  if (chosen.length === 0) {
    throw new UsageError(`--only matches no case; there are ${benchCases.map(({ name }) => name).join(", ")}`);
  }
  if (options.list) {
    for (const { name, title } of chosen) process.stdout.write(`${name}: ${title}\n`);
    return;
  }
  process.stdout.write(`Node ${process.version}, ${process.platform} ${process.arch}; medians of paired runs\n\n`);
  const results: CaseResult[] = [];
  for (const benchCase of chosen) {
    const result = await runCase(benchCase);
    results.push(result);
    process.stdout.write(`${renderCase(result)}\n`);
  }
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
  }
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(isUsage ? `${error.message}\n${usage}` : `${(error as Error).stack}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
