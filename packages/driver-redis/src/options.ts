// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { ConsensusError, checkTenureTerms, DEFAULT_TENURE_TERMS, type TenureTerms } from "@tsoracle/consensus";
import { type PeerEndpoint, parsePeerEndpoint } from "@tsoracle/core";
import type { Freshness } from "./capabilities.ts";
import { type NodeAddress, parseNodes, type RedisAccess, type RedisNodeSpec } from "./node-address.ts";
import type { TrustRestart } from "./node-facts.ts";

/** What names one oracle on its nodes; the same for servers and for operator commands. */
export interface RedisOracleOptions extends RedisAccess {
  /**
   * Every node the register was made for, in any order: `redis://host:port`, `rediss://host:port`, with user name,
   * password and database as usual in such URLs. Three or five; one only with `acceptDataLoss`.
   */
  readonly nodes: readonly RedisNodeSpec[];
  /** Of the oracle: 1 to 128 of `A-Z a-z 0-9 . _ : -`. Oracles of different names share nodes without noticing. */
  readonly name: string;
  /** As the register was made; one value for all servers. @defaultValue "lease" */
  readonly freshness?: Freshness | undefined;
  /** As the register was made; one value for all servers. @defaultValue 3 s, 10 % */
  readonly tenure?: TenureTerms | undefined;
  /**
   * Allows one node, and nodes that may forget what they acknowledged (no append-only file, or one that is not synced
   * with every write). The driver then says `durability: "asynchronous"`. After such a loss timestamps can be issued
   * twice. @defaultValue false
   */
  readonly acceptDataLoss?: boolean | undefined;
  /**
   * As the register was made; one value for all servers. `never`: a node that restarts has no vote until a leader has
   * admitted it again, so that one which came back with an old copy of its data does no harm; if a majority restarts
   * together, an operator is needed (`trustRedisRestarts`). `aof-always`: it votes with what it read from its disk.
   *
   * @defaultValue "never" from three nodes on; "aof-always" for fewer, and with `acceptDataLoss`
   */
  readonly trustRestart?: TrustRestart | undefined;
  /**
   * How long a round waits for nodes, in milliseconds. Below a quarter of the tenure. Operators' commands wait for at least
   * five seconds, whatever it says.
   *
   * @defaultValue a sixth of the tenure
   */
  readonly opTimeoutMs?: number | undefined;
  /** Hears of every node that has no vote, and why, once for each change. */
  readonly onWarning?: ((warning: RedisWarning) => void) | undefined;
}

export interface RedisDriverOptions extends RedisOracleOptions {
  /** Where clients reach this server, `host:port`: what followers name while it leads. */
  readonly advertise: string;
  /**
   * Who gives a node its vote back that this server has seen vote and that is empty now. `automatic`: the leader, under
   * a new epoch. `operator`: nobody while servers run. Nodes that restarted where that is not trusted are always
   * admitted by the leader.
   *
   * @defaultValue "automatic" where restarts are not trusted; else "operator", because a disk that was lost for a while
   * and came back would be trusted too
   */
  readonly readmission?: Readmission | undefined;
}

export type Readmission = "automatic" | "operator";

/** Something that an operator should look at. */
export interface RedisWarning {
  /** `host:port` of the node, or of all nodes with commas between. */
  readonly node: string;
  readonly message: string;
}

/** Options that were checked, with defaults filled in. */
export interface OracleSettings {
  readonly addresses: readonly NodeAddress[];
  readonly key: string;
  readonly name: string;
  readonly freshness: Freshness;
  readonly terms: TenureTerms;
  readonly acceptDataLoss: boolean;
  readonly trustRestart: TrustRestart;
  readonly opTimeoutMs: number;
  readonly onWarning: (warning: RedisWarning) => void;
}

const NAME = /^[A-Za-z0-9._:-]{1,128}$/;
const MAX_ENDPOINT = 255;

/** @throws ConsensusError `permanent`, naming the option. */
export function checkOracleOptions(options: RedisOracleOptions): OracleSettings {
  const { name, freshness = "lease", tenure = DEFAULT_TENURE_TERMS, acceptDataLoss = false } = options;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw refused(`name: expected 1 to 128 of A-Z a-z 0-9 . _ : -, got ${JSON.stringify(name)}`);
  }
  if (freshness !== "lease" && freshness !== "confirm") {
    throw refused(`freshness: expected "lease" or "confirm", got ${JSON.stringify(freshness)}`);
  }
  const addresses = parseNodes(options.nodes, options);
  const { trustRestart = addresses.length < 3 || acceptDataLoss ? "aof-always" : "never" } = options;
  if (trustRestart !== "aof-always" && trustRestart !== "never") {
    throw refused(`trustRestart: expected "aof-always" or "never", got ${JSON.stringify(trustRestart)}`);
  }
  const terms = checkTenureTerms(tenure);
  if (addresses.length < 3 && !acceptDataLoss) {
    throw refused(
      `nodes: expected three or more independent Redis servers, got ${addresses.length}: fewer survive no failure. acceptDataLoss: true allows it, for oracles that may forget`,
    );
  }
  return {
    addresses,
    key: `{tso:${name}}:reg`,
    name,
    freshness,
    terms,
    acceptDataLoss,
    trustRestart,
    opTimeoutMs: checkOpTimeout(options.opTimeoutMs ?? Math.floor(terms.tenureMs / 6), terms),
    onWarning: options.onWarning ?? (() => {}),
  };
}

/** @throws ConsensusError `permanent`: not `host:port`, too long, or with control characters. */
export function checkAdvertise(advertise: string): PeerEndpoint {
  const endpoint = readEndpoint(advertise);
  if (endpoint !== undefined) return endpoint;
  throw refused(
    `advertise: expected "host:port" of at most ${MAX_ENDPOINT} characters, got ${JSON.stringify(advertise)}`,
  );
}

/** @throws ConsensusError `permanent`, naming the option. */
export function checkReadmission(given: Readmission | undefined, trustRestart: TrustRestart): Readmission {
  const readmission = given ?? (trustRestart === "never" ? "automatic" : "operator");
  if (readmission === "automatic" || readmission === "operator") return readmission;
  throw refused(`readmission: expected "automatic" or "operator", got ${JSON.stringify(readmission)}`);
}

/** What an operator should know about this number of nodes, or undefined. */
export function nodeCountWarning(n: number): string | undefined {
  if (n % 2 === 1) return undefined;
  return n === 2
    ? "2 nodes survive the loss of none: both must vote. Use three, as soon as the oracle can be made anew"
    : `${n} nodes survive the loss of ${n / 2 - 1}, as ${n - 1} do, and there is one more that can fail: use an odd number`;
}

/** An endpoint as another server wrote it, or undefined if it is not one: writer and reader both check. */
export function readEndpoint(text: string): PeerEndpoint | undefined {
  if (typeof text !== "string" || text.length > MAX_ENDPOINT || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const parsed = parsePeerEndpoint(text);
  return parsed.ok ? parsed.endpoint : undefined;
}

/** The drift as the register keeps it: whole parts per million. */
export function driftPpm(terms: TenureTerms): number {
  return Math.round(terms.drift * 1e6);
}

/** A random number that tells this process from every other: 1 to 2^64-1. */
export function mintNonce(): bigint {
  return randomBytes(8).readBigUInt64BE() || 1n;
}

function checkOpTimeout(opTimeoutMs: number, { tenureMs }: TenureTerms): number {
  if (Number.isSafeInteger(opTimeoutMs) && opTimeoutMs >= 1 && opTimeoutMs < tenureMs / 4) return opTimeoutMs;
  throw refused(
    `opTimeoutMs: expected a whole number of milliseconds, at least 1 and below a quarter of the tenure (${tenureMs / 4}), got ${String(opTimeoutMs)}`,
  );
}

function refused(message: string): ConsensusError {
  return new ConsensusError("permanent", message);
}
