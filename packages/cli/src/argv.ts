// SPDX-License-Identifier: Apache-2.0
import { BUILT_IN_DRIVERS, driverNotBuiltIn } from "./drivers.ts";

const ASKS_FOR_TEXT: ReadonlySet<string> = new Set(["-h", "--help", "-V", "--version"]);

const isFlag = (word: string | undefined): boolean => word === undefined || word.startsWith("-");

/**
 * Completes what a person may leave out: `tsoracle` and `tsoracle serve`, with or without flags, mean
 * `tsoracle serve file`. It is done on the words, before any parsing, so that each driver's command
 * knows only its own flags.
 *
 * @param words - the arguments after the program's name
 * @throws CliError `usage` when `serve` names a driver that is not in this build
 */
export function completeArguments(words: readonly string[]): readonly string[] {
  const [first, second] = words;
  if (first !== undefined && ASKS_FOR_TEXT.has(first)) return words;
  if (isFlag(first)) return ["serve", "file", ...words];
  if (first !== "serve" || (second !== undefined && (second === "help" || ASKS_FOR_TEXT.has(second)))) return words;
  if (isFlag(second)) return ["serve", "file", ...words.slice(1)];
  if (BUILT_IN_DRIVERS.some((driver) => driver === second)) return words;
  throw driverNotBuiltIn(second ?? "");
}
