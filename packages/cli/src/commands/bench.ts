// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { addClientFlags, type ClientFlags } from "../client-flags.ts";
import { option, wholeNumber } from "../options.ts";

interface BenchFlags extends ClientFlags {
  readonly callers: number;
  readonly seconds: number;
  readonly json?: true;
}

const MAX_CALLERS = 10_000;
const MAX_SECONDS = 600;

async function bench(flags: BenchFlags): Promise<void> {
  const { runBench } = await import("../bench/run.ts");
  await runBench(flags);
}

export function benchCommand(): Command {
  return addClientFlags(new Command("bench"))
    .summary("load a running server, and judge every timestamp")
    .description("load a running server with concurrent callers; shows rate and latency, and judges every timestamp")
    .addOption(
      option("--callers <number>", "callers, each with one call at a time")
        .argParser(wholeNumber(1, MAX_CALLERS))
        .default(100),
    )
    .addOption(option("--seconds <number>", "how long").argParser(wholeNumber(1, MAX_SECONDS)).default(5))
    .addOption(option("--json", "one JSON object"))
    .action(bench)
    .addHelpText(
      "after",
      "\nExits with 1 if a timestamp was issued twice or out of order, or none was issued.\n\nExamples:\n  tsoracle bench --callers 1000 --seconds 10",
    );
}
