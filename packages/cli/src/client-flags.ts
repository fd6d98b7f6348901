// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { durationMs, endpointList, filePath, option } from "./options.ts";

/** How long a call may take, and how it is secured. */
export interface CallFlags {
  /** Milliseconds. */
  readonly timeout: number;
  readonly clientTlsCa?: string;
  readonly clientTlsCert?: string;
  readonly clientTlsKey?: string;
}

/** What every command that calls a server takes. */
export interface ClientFlags extends CallFlags {
  readonly endpoints: readonly string[];
}

const DEFAULT_ENDPOINT = "127.0.0.1:50551";
const DEFAULT_TIMEOUT_MS = 10_000;

export function addClientFlags(command: Command): Command {
  const withEndpoints = command.addOption(
    option("--endpoints <list>", "servers to call, HOST:PORT separated by commas")
      .argParser(endpointList)
      .default([DEFAULT_ENDPOINT], DEFAULT_ENDPOINT),
  );
  return addCallFlags(withEndpoints);
}

export function addCallFlags(command: Command): Command {
  return command
    .addOption(
      option("--timeout <duration>", "give up after this time")
        .argParser(durationMs(1))
        .default(DEFAULT_TIMEOUT_MS, "10s"),
    )
    .addOption(
      option("--client-tls-ca <file>", "use TLS and trust the authorities in this PEM file").argParser(filePath),
    )
    .addOption(option("--client-tls-cert <file>", "PEM certificate to show to the server").argParser(filePath))
    .addOption(option("--client-tls-key <file>", "PEM key of that certificate").argParser(filePath));
}
