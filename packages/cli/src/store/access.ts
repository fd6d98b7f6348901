// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { CliError, oneLine } from "../cli-error.ts";
import { readPem, requireTogether } from "../pem.ts";
import type { StoreAccessFlags } from "./flags.ts";

/** The files that the `--store-tls-*` flags name, read. */
export interface StoreTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly serverName?: string;
}

/**
 * What the flags say of TLS to the store, or undefined if they say nothing.
 *
 * @throws CliError `usage` naming the flag
 */
export function readStoreTls(flags: StoreAccessFlags): StoreTls | undefined {
  const { storeTlsCa: ca, storeTlsCert: cert, storeTlsKey: key, storeTlsServerName: serverName } = flags;
  requireTogether(["--store-tls-cert", cert], ["--store-tls-key", key]);
  if ([ca, cert, serverName].every((value) => value === undefined)) return undefined;
  return {
    ...(ca === undefined ? {} : { ca: readPem("--store-tls-ca", ca) }),
    ...(cert === undefined ? {} : { cert: readPem("--store-tls-cert", cert) }),
    ...(key === undefined ? {} : { key: readPem("--store-tls-key", key) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/**
 * The password in the file that `--password-file` names.
 *
 * @throws CliError `usage` naming the flag; the content is never repeated
 */
export function readPassword(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new CliError("usage", `--password-file: expected a readable file: ${oneLine(error)}`);
  }
  const password = text.replace(/\r?\n$/, "");
  if (password === "") throw new CliError("usage", `--password-file: expected a password, but ${path} is empty`);
  return password;
}
