// SPDX-License-Identifier: Apache-2.0
import { parseTimestamp, timestampToBytes, unpackTimestamp } from "@tsoracle/core";
import { Command, InvalidArgumentError } from "commander";
import { oneLine } from "../cli-error.ts";
import { option } from "../options.ts";
import { printFields, printJson } from "../output.ts";

function timestampArgument(text: string): bigint {
  try {
    return parseTimestamp(text);
  } catch (error) {
    throw new InvalidArgumentError(oneLine(error));
  }
}

async function decode(value: bigint, json: boolean): Promise<void> {
  const { physicalMs, logical } = unpackTimestamp(value);
  const hex = `0x${Buffer.from(timestampToBytes(value)).toString("hex")}`;
  const time = new Date(physicalMs).toISOString();
  if (json) {
    await printJson({ value, hex, physicalMs, logical, time });
    return;
  }
  await printFields([
    ["value", value.toString()],
    ["hex", hex],
    ["physical_ms", physicalMs.toString()],
    ["logical", logical.toString()],
    ["time", time],
  ]);
}

export function decodeCommand(): Command {
  return new Command("decode")
    .description("take a timestamp apart; needs no server")
    .argument("<value>", "a packed timestamp in decimal, or in hexadecimal after 0x", timestampArgument)
    .addOption(option("--json", "one JSON object"))
    .action((value: bigint, options: { json?: true }) => decode(value, options.json === true))
    .addHelpText(
      "after",
      "\nExamples:\n  tsoracle decode 471859200000000007\n  tsoracle decode 0x068c617140000007 --json",
    );
}
