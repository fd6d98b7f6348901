// SPDX-License-Identifier: Apache-2.0
import { MAX_TIMESTAMPS_PER_RPC } from "@tsoracle/core";
import { Command } from "commander";
import { addClientFlags, type ClientFlags } from "../client-flags.ts";
import { option, wholeNumber } from "../options.ts";
import { printJson, printLine } from "../output.ts";

interface GetFlags extends ClientFlags {
  readonly count: number;
  readonly json?: true;
}

async function get(flags: GetFlags): Promise<void> {
  const { withClient } = await import("../open-client.ts");
  await withClient(flags, async (client, signal) => {
    for (const timestamp of await client.getTsBatch(flags.count, { signal })) {
      const { value, physicalMs, logical, epoch } = timestamp;
      if (flags.json) await printJson({ value, physicalMs, logical, epoch });
      else await printLine(timestamp.toString());
    }
  });
}

export function getCommand(): Command {
  return addClientFlags(new Command("get"))
    .description("take timestamps, one line each")
    .addOption(option("-n, --count <number>", "how many").argParser(wholeNumber(1, MAX_TIMESTAMPS_PER_RPC)).default(1))
    .addOption(option("--json", "one JSON object a line; 64-bit integers are strings"))
    .action(get)
    .addHelpText("after", "\nExamples:\n  tsoracle get\n  tsoracle get -n 3 --json --endpoints a:50551,b:50551");
}
