// SPDX-License-Identifier: Apache-2.0
import { Command } from "commander";
import { addClientFlags, type ClientFlags } from "../client-flags.ts";
import { option } from "../options.ts";

async function status(flags: ClientFlags & { json?: true }): Promise<void> {
  const { runStatus } = await import("../status/run.ts");
  await runStatus(flags);
}

export function statusCommand(): Command {
  return addClientFlags(new Command("status"))
    .summary("ask servers whether they serve")
    .description("ask each server whether it serves, its epoch and its safe points")
    .addOption(option("--json", "one JSON array; 64-bit integers are strings"))
    .action(status)
    .addHelpText(
      "after",
      "\nExits with 1 unless one of them serves.\n\nExamples:\n  tsoracle status\n  tsoracle status --endpoints a:50551,b:50551 --json",
    );
}
