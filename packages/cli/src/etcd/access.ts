// SPDX-License-Identifier: Apache-2.0
import type { EtcdOracleOptions } from "@tsoracle/driver-etcd";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { durationMs, namePattern, option } from "../options.ts";
import { readPassword, readStoreTls } from "../store/access.ts";
import { addStoreAccessFlags, type StoreAccessFlags } from "../store/flags.ts";

/** Which oracle in which cluster, and how to get in. */
export interface EtcdFlags extends StoreAccessFlags {
  readonly endpoints: string;
  readonly prefix: string;
  readonly username?: string;
  readonly clusterId?: string;
  /** Milliseconds. */
  readonly opTimeout?: number;
}

export function addEtcdFlags(command: Command): Command {
  const withOracle = command
    // No argument parser: commander repeats what a parser refuses, password and all.
    .addOption(
      option(
        "--endpoints <list>",
        "members of the etcd cluster, separated by commas: HOST:PORT, http://HOST:PORT or, with TLS, https://HOST:PORT",
      ).makeOptionMandatory(),
    )
    .addOption(
      option("--prefix <prefix>", "where the keys of the oracle are: two names, /NAMESPACE/GROUP/")
        .argParser(
          namePattern(
            /^\/[A-Za-z0-9._:-]{1,128}\/[A-Za-z0-9._:-]{1,128}\/?$/,
            'expected /NAMESPACE/GROUP/, two names of letters, digits, ".", "_", ":" or "-"',
          ),
        )
        .default("/tsoracle/main/"),
    )
    .addOption(option("--username <name>", "user of etcd; its password comes with --password-file"));
  return addStoreAccessFlags(withOracle)
    .addOption(
      option(
        "--cluster-id <id>",
        "the only cluster that is accepted, in hexadecimal, as 'etcd init' printed it",
      ).argParser(namePattern(/^[0-9a-fA-F]{1,16}$/, "expected up to 16 hexadecimal digits")),
    )
    .addOption(
      option(
        "--op-timeout <duration>",
        "longest wait for one answer of etcd (default: a sixth of --tenure); commands of operators wait at least 5s",
      ).argParser(durationMs(50)),
    );
}

/**
 * What the flags say, for the functions of the driver.
 *
 * @throws CliError `usage` naming the flag; what stands in a URL is not repeated
 */
export function readEtcdOracle(flags: EtcdFlags): EtcdOracleOptions {
  const { prefix, username, passwordFile, clusterId, opTimeout } = flags;
  const endpoints = readEndpoints(flags);
  const tls = readStoreTls(flags);
  if (tls !== undefined && endpoints.some((endpoint) => endpoint.startsWith("http://"))) {
    throw new CliError("usage", "--endpoints: a --store-tls flag is given, so expected https:// for every member");
  }
  if ((username === undefined) !== (passwordFile === undefined)) {
    throw new CliError("usage", "--username: expected --username and --password-file together");
  }
  return {
    endpoints,
    prefix,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: readPassword(passwordFile) }),
    ...(tls === undefined ? {} : { tls }),
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(opTimeout === undefined ? {} : { opTimeoutMs: opTimeout }),
  };
}

function readEndpoints({ endpoints: text }: EtcdFlags): readonly string[] {
  const endpoints = text.split(",").map((part) => part.trim());
  const seen = new Map<string, number>();
  const schemes = new Set<string>();
  for (const [index, endpoint] of endpoints.entries()) {
    const refused = (why: string): CliError =>
      new CliError(
        "usage",
        `--endpoints: expected HOST:PORT, http://HOST:PORT or https://HOST:PORT, separated by commas, but member ${index + 1} ${why}`,
      );
    const full = /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`;
    if (endpoint === "" || !URL.canParse(full)) throw refused("is none of them");
    const url = new URL(full);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw refused("has another scheme");
    if (url.username !== "" || url.password !== "") throw refused("holds a user or a password: use --username");
    if (url.pathname !== "/" || url.search !== "" || url.hash !== "") throw refused("has more after its port");
    const other = seen.get(url.host);
    if (other !== undefined) throw refused(`is the same as member ${other}`);
    seen.set(url.host, index + 1);
    if (endpoint.includes("://")) schemes.add(url.protocol);
  }
  if (schemes.size > 1) throw new CliError("usage", "--endpoints: expected the same scheme for all members");
  return endpoints;
}
