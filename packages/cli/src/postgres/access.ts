// SPDX-License-Identifier: Apache-2.0
import type { TargetOptions } from "@tsoracle/driver-postgres";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { namePattern, option } from "../options.ts";
import { readPassword, readStoreTls } from "../store/access.ts";
import { addOracleFlag, addStoreAccessFlags, type StoreAccessFlags } from "../store/flags.ts";

/** Which oracle in which Postgres, and how to get in. */
export interface PostgresFlags extends StoreAccessFlags {
  /** As given: it may hold a password, so that it is never part of a message. */
  readonly url: string;
  readonly oracle: string;
  readonly schema: string;
}

export function addPostgresFlags(command: Command): Command {
  // No argument parser: commander repeats what a parser refuses, password and all.
  const withUrl = command.addOption(
    option(
      "--url <urls>",
      "postgres://USER:PASSWORD@HOST:PORT/DATABASE, or several separated by commas: the servers of one cluster. " +
        "With a password, use the variable: a command line can be read by every process",
    ).makeOptionMandatory(),
  );
  return addStoreAccessFlags(addOracleFlag(withUrl)).addOption(
    option("--schema <name>", "schema of the tables")
      .argParser(
        namePattern(
          /^[a-z_][a-z0-9_]{0,62}$/,
          'expected a lower-case letter or "_", then at most 62 letters, digits or "_"',
        ),
      )
      .default("tso"),
  );
}

/**
 * The servers that `--url` names, and how to be sure of them.
 *
 * @throws CliError `usage` naming the flag; what stands in a URL is not repeated
 */
export function readPostgresTarget(flags: PostgresFlags): TargetOptions {
  const url = splitUrls(flags.url);
  const tls = readStoreTls(flags);
  const { passwordFile } = flags;
  for (const each of url) {
    checkUrl(each, tls !== undefined);
    if (passwordFile !== undefined && new URL(each).password !== "") {
      throw refused("it holds a password although --password-file is given");
    }
  }
  if (passwordFile !== undefined) readPassword(passwordFile);
  return {
    url,
    ...(tls === undefined ? {} : { tls }),
    // Read anew at each connection, so that a rotated password is used without a restart.
    ...(passwordFile === undefined ? {} : { password: () => readPassword(passwordFile) }),
  };
}

/** A comma inside a password does not end a URL; one before the next scheme does. */
function splitUrls(text: string): readonly string[] {
  return text.split(/,(?=\s*postgres(?:ql)?:\/\/)/).map((each) => each.trim());
}

function checkUrl(text: string, wantsTls: boolean): void {
  if (!URL.canParse(text)) throw refused("it is no URL");
  const url = new URL(text);
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") throw refused("it has another scheme");
  if (url.hostname === "") throw refused("it names no host");
  if (url.username === "") throw refused("it names no user");
  if (!/^\/[^/]+$/.test(url.pathname)) throw refused("it names no database");
  for (const name of url.searchParams.keys()) {
    if (name !== "sslmode") throw refused("it has a parameter other than sslmode");
  }
  const mode = url.searchParams.get("sslmode");
  if (mode !== null && mode !== "disable" && mode !== "verify-full") {
    throw refused("its sslmode is neither verify-full nor disable");
  }
  if (mode === "disable" && wantsTls) throw refused("its sslmode is disable although a --store-tls flag is given");
}

function refused(why: string): CliError {
  return new CliError("usage", `--url: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, but ${why}`);
}
