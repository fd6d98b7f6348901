// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { writeSync } from "node:fs";

/** Writes one line to standard output and waits while the reader is behind, so that memory stays bounded. */
export async function printLine(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
}

/** One line of JSON. Integers beyond 2^53 are written as strings of digits, since JSON readers would round them. */
export async function printJson(value: unknown): Promise<void> {
  await printLine(JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? item.toString() : item)));
}

/** Two columns, the first padded. */
export async function printFields(fields: readonly (readonly [string, string])[]): Promise<void> {
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) await printLine(`${name.padEnd(width)}  ${value}`);
}

/** One line on standard error, at once, whatever happens next. */
export function printError(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // Nobody reads standard error any more; the exit code still tells.
  }
}

/** A reader that goes away (`| head`) is the end of the output, not a failure. */
export function endQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
}
