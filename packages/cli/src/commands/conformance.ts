// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { endOnSignals } from "../interrupt.ts";
import { filePath, option, wholeNumber } from "../options.ts";

interface ConformanceFlags {
  readonly strict?: boolean;
  readonly json?: string;
  readonly seed?: number;
  readonly runs?: number;
}

const U32_MAX = 0xffff_ffff;

async function conformance(subject: string, flags: ConformanceFlags): Promise<void> {
  endOnSignals();
  const { runConformance } = await import("../conformance/run.ts");
  await runConformance({
    subject,
    jsonFile: flags.json,
    strict: flags.strict !== false,
    seed: flags.seed,
    runs: flags.runs,
  });
}

export function conformanceCommand(): Command {
  return new Command("conformance")
    .summary("judge a driver by the clauses of the contract")
    .description("judge a driver: run every clause of the contract over it")
    .argument("<subject-module>", "path or package that exports a Subject as default, or as subject")
    .addOption(
      option("--json <file>", "also write the report as JSON to this file, or to standard output for -").argParser(
        filePath,
      ),
    )
    .addOption(
      option(
        "--strict",
        "a clause that the subject cannot exercise needs a reason (this is so unless --no-strict is given)",
      ),
    )
    .addOption(option("--no-strict", "let clauses pass that the subject cannot exercise and gives no reason for"))
    .addOption(option("--seed <number>", "everything random follows from it").argParser(wholeNumber(0, U32_MAX)))
    .addOption(
      option("--runs <number>", "how many seeds each randomised clause is tried with").argParser(
        wholeNumber(1, U32_MAX),
      ),
    )
    .action(conformance)
    .addHelpText(
      "after",
      "\nExits with 1 unless every clause holds.\n\nExamples:\n  tsoracle conformance ./test/subject.mjs\n  tsoracle conformance ./test/subject.mjs --json report.json --seed 7",
    );
}
