// SPDX-License-Identifier: Apache-2.0
import { PHYSICAL_MS_MAX } from "@tsoracle/core";
import { Command } from "commander";
import { filePath, option, wholeNumber } from "../options.ts";
import { printJson, printLine } from "../output.ts";

interface InitFlags {
  readonly seedPhysicalMs: number;
  readonly stateDir: string;
  readonly json?: true;
}

async function init(flags: InitFlags): Promise<void> {
  const { initStateDirectory } = await import("@tsoracle/driver-file");
  await initStateDirectory({ stateDir: flags.stateDir, seedPhysicalMs: flags.seedPhysicalMs });
  if (flags.json) await printJson({ stateDir: flags.stateDir, seedPhysicalMs: flags.seedPhysicalMs });
  else await printLine(`Initialized ${flags.stateDir} at seed physical_ms=${flags.seedPhysicalMs}`);
}

export function initCommand(): Command {
  return new Command("init")
    .summary("create a state directory that starts above a given time")
    .description(
      "create a state directory whose first timestamp lies above a given time, to migrate from another oracle",
    )
    .addOption(
      option("--seed-physical-ms <ms>", "largest physical part ever served, plus a margin")
        .argParser(wholeNumber(0, PHYSICAL_MS_MAX))
        .makeOptionMandatory(),
    )
    .addOption(option("--state-dir <directory>", "directory to create").argParser(filePath).default("./tsoracle-data"))
    .addOption(option("--json", "one JSON object"))
    .action(init)
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle init --seed-physical-ms 1800000000000 --state-dir /var/lib/tsoracle",
    );
}
