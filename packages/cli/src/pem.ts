// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { CliError, oneLine } from "./cli-error.ts";

/**
 * Reads a PEM file that a flag names.
 *
 * @throws CliError `usage` naming the flag, when the file cannot be read or holds no PEM block
 */
export function readPem(flag: string, path: string): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new CliError("usage", `${flag}: expected a readable PEM file: ${oneLine(error)}`);
  }
  if (!content.includes("-----BEGIN ")) {
    throw new CliError("usage", `${flag}: expected a PEM file, but ${path} holds no "-----BEGIN" line`);
  }
  return content;
}

/**
 * @throws CliError `usage` naming both flags, unless both or none are given
 */
export function requireTogether(first: readonly [string, unknown], second: readonly [string, unknown]): void {
  for (const [given, missing] of [
    [first, second],
    [second, first],
  ] as const) {
    if (given[1] !== undefined && missing[1] === undefined) {
      throw new CliError("usage", `${given[0]} was given without ${missing[0]}: expected both or neither`);
    }
  }
}
