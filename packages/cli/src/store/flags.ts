// SPDX-License-Identifier: Apache-2.0
import { PHYSICAL_MS_MAX } from "@tsoracle/core";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { durationMs, filePath, fraction, namePattern, option, wholeNumber } from "../options.ts";

/** How to get in to the store, beside its address. */
export interface StoreAccessFlags {
  readonly passwordFile?: string;
  readonly storeTlsCa?: string;
  readonly storeTlsCert?: string;
  readonly storeTlsKey?: string;
  readonly storeTlsServerName?: string;
}

/** What is stored with an oracle and the same for all of its servers. */
export interface OracleSettingFlags {
  readonly freshness: "lease" | "confirm";
  /** Milliseconds. */
  readonly tenure: number;
  readonly drift: number;
}

const MIN_TENURE_MS = 1_000;
const MAX_TENURE_MS = 600_000;

export function addOracleFlag(command: Command): Command {
  return command.addOption(
    option("--oracle <name>", "which oracle of the store; 1 to 128 letters, digits, . _ : -")
      .argParser(namePattern(/^[A-Za-z0-9._:-]{1,128}$/, 'expected 1 to 128 letters, digits, ".", "_", ":" or "-"'))
      .makeOptionMandatory(),
  );
}

export function addStoreAccessFlags(command: Command): Command {
  return command
    .addOption(
      option(
        "--password-file <file>",
        "password of the store, read from this file, without its last line break",
      ).argParser(filePath),
    )
    .addOption(
      option("--store-tls-ca <file>", "use TLS to the store and trust the authorities in this PEM file").argParser(
        filePath,
      ),
    )
    .addOption(option("--store-tls-cert <file>", "PEM certificate to show to the store").argParser(filePath))
    .addOption(option("--store-tls-key <file>", "PEM key of that certificate").argParser(filePath))
    .addOption(option("--store-tls-server-name <name>", "name that the store's certificate must carry"));
}

export function addOracleSettingFlags(command: Command): Command {
  return command
    .addOption(
      option("--freshness <mode>", "how a leader knows that it may still answer; stored with the oracle")
        .choices(["lease", "confirm"])
        .default("lease"),
    )
    .addOption(
      option("--tenure <duration>", "how long a leader may answer without a renewal; stored with the oracle")
        .argParser(durationMs(MIN_TENURE_MS, MAX_TENURE_MS))
        .default(3_000, "3s"),
    )
    .addOption(
      option("--drift <fraction>", "how much clocks may differ in speed; stored with the oracle")
        .argParser(fraction(0.5))
        .default(0.1, "0.1"),
    );
}

export function addSeedFlag(command: Command): Command {
  return command.addOption(
    option("--seed-physical-ms <ms>", "issue only above this time, to migrate from another oracle")
      .argParser(wholeNumber(0, PHYSICAL_MS_MAX))
      .default(0, "0"),
  );
}

export function addAtLeastFlag(command: Command): Command {
  return command.addOption(
    option("--at-least <ms>", "issue only above this time; it must cover every timestamp ever issued")
      .argParser(wholeNumber(0, PHYSICAL_MS_MAX))
      .makeOptionMandatory(),
  );
}

export function addJsonFlag(command: Command): Command {
  return command.addOption(option("--json", "one JSON object; 64-bit integers are strings"));
}

/** @param word - what the operator states with it */
export function addYesFlag(command: Command, word: string): Command {
  return command.addOption(option("--yes", word));
}

/**
 * Commands that cannot be undone want to be told twice.
 *
 * @throws CliError `usage` that says what the command would do
 */
export function requireYes(yes: true | undefined, wouldDo: string): void {
  if (yes !== true) throw new CliError("usage", `${wouldDo}; nothing was done: expected --yes`);
}
