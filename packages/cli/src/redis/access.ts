// SPDX-License-Identifier: Apache-2.0
import type { RedisOracleOptions } from "@tsoracle/driver-redis";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { formatDuration } from "../duration.ts";
import { durationMs, option } from "../options.ts";
import { readPassword, readStoreTls } from "../store/access.ts";
import {
  addOracleFlag,
  addOracleSettingFlags,
  addStoreAccessFlags,
  type OracleSettingFlags,
  type StoreAccessFlags,
} from "../store/flags.ts";

/** Which oracle on which nodes, how to get in, and what it was made with. */
export interface RedisFlags extends StoreAccessFlags, OracleSettingFlags {
  /** As given: it may hold passwords, so that it is never part of a message. */
  readonly nodes: string;
  readonly oracle: string;
  readonly username?: string;
  readonly acceptDataLoss?: true;
  readonly trustRestart?: "aof-always" | "never";
  /** Milliseconds. */
  readonly opTimeout?: number;
}

export function addRedisFlags(command: Command): Command {
  // No argument parser: commander repeats what a parser refuses, password and all.
  const withNodes = command.addOption(
    option(
      "--nodes <list>",
      "every Redis node of the oracle, separated by commas: HOST:PORT, redis://HOST:PORT or, with TLS, rediss://HOST:PORT. " +
        "Three or five independent servers",
    ).makeOptionMandatory(),
  );
  const withAccess = addStoreAccessFlags(
    addOracleFlag(withNodes).addOption(option("--username <name>", "user of the nodes whose URL names none")),
  );
  return addOracleSettingFlags(withAccess)
    .addOption(
      option(
        "--accept-data-loss",
        "allow one node, and nodes without a synced append-only file: timestamps can then be issued twice",
      ),
    )
    .addOption(
      option(
        "--trust-restart <when>",
        "whether a node that restarts votes with what its append-only file holds, or only after the leader has admitted it; stored with the oracle (default: never from three nodes on)",
      ).choices(["aof-always", "never"]),
    )
    .addOption(
      option(
        "--op-timeout <duration>",
        "longest wait for the nodes, below a quarter of --tenure (default: a sixth of it); commands of operators wait at least 5s",
      ).argParser(durationMs(1)),
    );
}

/**
 * What the flags say, for the functions of the driver.
 *
 * @throws CliError `usage` naming the flag; what stands in a URL is not repeated
 */
export function readRedisOracle(flags: RedisFlags): RedisOracleOptions {
  const { oracle, freshness, tenure, drift, opTimeout, username, passwordFile } = flags;
  const nodes = readNodes(flags);
  const tls = readStoreTls(flags);
  if (tls !== undefined && !nodes.every((node) => node.startsWith("rediss://"))) {
    throw new CliError("usage", "--nodes: a --store-tls flag is given, so expected rediss:// for every node");
  }
  if (passwordFile !== undefined && nodes.some((node) => new URL(node).password !== "")) {
    throw new CliError("usage", "--nodes: a URL holds a password although --password-file is given: take one away");
  }
  if (opTimeout !== undefined && opTimeout >= tenure / 4) {
    const [given, most] = [formatDuration(opTimeout), formatDuration(tenure / 4)];
    throw new CliError("usage", `--op-timeout ${given}: expected less than a quarter of --tenure, ${most}`);
  }
  const { serverName, ...pem } = tls ?? {};
  return {
    nodes,
    name: oracle,
    freshness,
    tenure: { tenureMs: tenure, drift },
    ...(flags.trustRestart === undefined ? {} : { trustRestart: flags.trustRestart }),
    acceptDataLoss: flags.acceptDataLoss === true,
    ...(opTimeout === undefined ? {} : { opTimeoutMs: opTimeout }),
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { password: readPassword(passwordFile) }),
    ...(tls === undefined ? {} : { tls: { ...pem, ...(serverName === undefined ? {} : { servername: serverName }) } }),
  };
}

function readNodes({ nodes: text, acceptDataLoss }: RedisFlags): readonly string[] {
  const nodes = text.split(",").map((part) => part.trim());
  const urls = nodes.map((node, index) => nodeUrl(/^[a-z]+:\/\//i.test(node) ? node : `redis://${node}`, index));
  const addresses = urls.map((url) => `${new URL(url).hostname}:${new URL(url).port || "6379"}`);
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined) {
    throw new CliError("usage", `--nodes: ${twice} is named twice: expected an independent server for each vote`);
  }
  if (nodes.length < 3 && acceptDataLoss !== true) {
    throw new CliError(
      "usage",
      `--nodes: expected three or more independent servers, got ${nodes.length}; --accept-data-loss allows fewer, for oracles that may forget`,
    );
  }
  return urls;
}

function nodeUrl(text: string, index: number): string {
  const refused = (why: string): CliError =>
    new CliError(
      "usage",
      `--nodes: expected HOST:PORT, redis://HOST:PORT or rediss://HOST:PORT, separated by commas, but node ${index + 1} ${why}`,
    );
  if (!URL.canParse(text)) throw refused("is neither");
  const url = new URL(text);
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") throw refused("has another scheme");
  if (url.hostname === "") throw refused("names no host");
  if (!/^\/?[0-9]{0,4}$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    throw refused("has more after its port than a database number");
  }
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    throw refused("has a broken % escape");
  }
  return text;
}
