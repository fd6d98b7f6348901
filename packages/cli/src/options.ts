// SPDX-License-Identifier: Apache-2.0
import { parsePeerEndpoint } from "@tsoracle/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "./cli-error.ts";
import { parseDuration } from "./duration.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";

/** `--window-ahead` is also `TSORACLE_WINDOW_AHEAD`. The flag wins over the variable. */
export function environmentName(long: string): string {
  return `TSORACLE_${long.replace(/^--/, "").replaceAll("-", "_").toUpperCase()}`;
}

/** An option with its environment variable; commander names whichever of the two was wrong. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  return made.env(environmentName(made.long ?? flags));
}

/** A whole number between two bounds. Digits only: `1e3`, `0x10` and `1_000` are more likely mistakes than intentions. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]{1,16}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}

/** An unsigned 64-bit number. */
export function unsigned64(text: string): bigint {
  if (/^[0-9]{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new InvalidArgumentError("expected a whole number from 0 to 2^64-1");
}

/** A duration in milliseconds, not below `min`. */
export function durationMs(min: number, max?: number): (text: string) => number {
  return (text) => {
    const result = parseDuration(text, min, max);
    if (result.ok) return result.ms;
    throw new InvalidArgumentError(result.expected);
  };
}

/** A part of one, above zero. */
export function fraction(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]?\.?[0-9]{1,6}$/.test(text) && value > 0 && value <= max) return value;
    throw new InvalidArgumentError(`expected a number above 0, at most ${max}, such as 0.1`);
  };
}

/** A name that stands in the store, so that what may be in it is fixed. */
export function namePattern(pattern: RegExp, expected: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new InvalidArgumentError(expected);
  };
}

/** Where clients reach a server: `HOST:PORT` without a scheme. */
export function peerAddress(text: string): string {
  const result = parsePeerEndpoint(text);
  if (result.ok && text.length <= 255 && !/[\s/?#@,]/.test(text)) return text;
  throw new InvalidArgumentError("expected HOST:PORT with a port from 1 to 65535");
}

export function listenAddress(text: string): ListenAddress {
  const result = parseListenAddress(text);
  if (result.ok) return result.address;
  throw new InvalidArgumentError(result.expected);
}

/** `HOST:PORT[,HOST:PORT...]`; each may carry `http://` or `https://`. */
export function endpointList(text: string): readonly string[] {
  const endpoints = text.split(",").map((part) => part.trim());
  for (const endpoint of endpoints) {
    const result = parsePeerEndpoint(endpoint.replace(/^https?:\/\//, ""));
    if (!result.ok || /[\s/?#@]/.test(endpoint.replace(/^https?:\/\//, ""))) {
      throw new InvalidArgumentError("expected HOST:PORT[,HOST:PORT...] with ports from 1 to 65535");
    }
  }
  return endpoints;
}

/** A path; empty text is never a path that somebody meant. */
export function filePath(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("expected a path");
}

const SAYS_YES: ReadonlySet<string> = new Set(["1", "true"]);
const SAYS_NO: ReadonlySet<string> = new Set(["", "0", "false"]);

/**
 * Reads the variables of switches as the words that they hold. Commander takes any value, even `false`,
 * as "on".
 *
 * @throws CliError `usage` naming the variable
 */
export function settleSwitches(command: Command, environment: NodeJS.ProcessEnv): void {
  for (const known of command.options) {
    if (known.required || known.optional || known.envVar === undefined) continue;
    const name = known.attributeName();
    if (command.getOptionValueSource(name) !== "env") continue;
    const value = environment[known.envVar] ?? "";
    if (SAYS_YES.has(value)) continue;
    if (!SAYS_NO.has(value)) {
      throw new CliError("usage", `${known.envVar} is '${value}': expected 1, true, 0 or false`);
    }
    command.setOptionValueWithSource(name, known.negate ? true : undefined, "default");
  }
}
