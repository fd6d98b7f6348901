// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_MAX_SEQ_COUNT, MAX_SEQ_KEY_BYTES, parseSeqKey } from "@tsoracle/core";
import { Command, InvalidArgumentError } from "commander";
import { addClientFlags, type ClientFlags } from "../client-flags.ts";
import { option, wholeNumber } from "../options.ts";
import { printJson, printLine } from "../output.ts";

interface SeqFlags extends ClientFlags {
  readonly count: number;
  readonly peek?: true;
  readonly json?: true;
}

const U32_MAX = 0xffff_ffff;

function keyArgument(text: string): string {
  if (parseSeqKey(text).ok) return text;
  throw new InvalidArgumentError(`expected 1 to ${MAX_SEQ_KEY_BYTES} bytes of UTF-8`);
}

async function peek(key: string, flags: SeqFlags): Promise<void> {
  const { withClient } = await import("../open-client.ts");
  await withClient(flags, async (client, signal) => {
    const { next, epoch } = await client.loadSeq(key, { signal });
    if (flags.json) await printJson({ key, next, epoch });
    else await printLine(next.toString());
  });
}

async function seq(key: string, flags: SeqFlags): Promise<void> {
  if (flags.peek) return peek(key, flags);
  const { withClient } = await import("../open-client.ts");
  await withClient(flags, async (client, signal) => {
    const { start, count, epoch } = await client.getSeq(key, flags.count, { signal });
    if (flags.json) return printJson({ key, start, count, epoch });
    for (let offset = 0n; offset < BigInt(count); offset++) await printLine((start + offset).toString());
  });
}

export function seqCommand(): Command {
  return addClientFlags(new Command("seq"))
    .summary("take the next values of a counter without gaps")
    .description(
      "take the next values of a counter without gaps, one line each. It is never repeated by itself: that could take a second block",
    )
    .argument("<key>", "name of the counter", keyArgument)
    .addOption(
      option("-n, --count <number>", `how many; a server allows ${DEFAULT_MAX_SEQ_COUNT} unless told otherwise`)
        .argParser(wholeNumber(1, U32_MAX))
        .default(1),
    )
    .addOption(option("--peek", "show the value that comes next and take nothing"))
    .addOption(option("--json", "the block as one JSON object; 64-bit integers are strings"))
    .action(seq)
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle seq invoices\n  tsoracle seq invoices -n 100 --json\n  tsoracle seq invoices --peek",
    );
}
