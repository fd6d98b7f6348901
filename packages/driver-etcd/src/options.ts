// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import {
  checkTenureTerms,
  DEFAULT_TENURE_TERMS,
  type DriverCapabilities,
  LeaseClock,
  type TenureTerms,
} from "@tsoracle/consensus";
import { DEFAULT_SEQ_KEY_CAP, type PeerEndpoint } from "@tsoracle/core";
import { type Endpoint, type EtcdAccess, type EtcdTls, parseEndpoints } from "./access.ts";
import { etcdCapabilitiesOf, type Freshness } from "./capabilities.ts";
import type { EtcdStore } from "./client/etcd-store.ts";
import { invalid } from "./invalid.ts";
import { OracleKeys } from "./keys.ts";
import { type DriverLog, unbreakable } from "./log.ts";
import { type Identity, readClusterId, readEndpoint } from "./records.ts";
import { type After, after } from "./timers.ts";

/** What names one oracle in a cluster; the same for servers and for operators. */
export interface EtcdOracleOptions extends EtcdAccess {
  /** Where its keys are: `/namespace/group/`. Several oracles in one cluster have different ones. @defaultValue "/tsoracle/main/" */
  readonly prefix?: string | undefined;
  /** Longest wait for one answer, in milliseconds. Operators' commands wait at least 5000. @defaultValue a sixth of the tenure */
  readonly opTimeoutMs?: number | undefined;
}

/** What is stored with an oracle and the same for all of its servers. */
export interface EtcdOracleSettings {
  /** @defaultValue "lease" */
  readonly freshness?: Freshness | undefined;
  /** @defaultValue 3 s, 10 % */
  readonly tenure?: TenureTerms | undefined;
}

export interface EtcdDriverOptions extends EtcdOracleOptions, EtcdOracleSettings {
  /** Where clients reach this server, `host:port`: what followers name while it leads. */
  readonly advertise: string;
  /** Names this server to people who look into etcd. @defaultValue `advertise` */
  readonly nodeId?: string | undefined;
  /** Most sequence keys of the oracle. Give every server the same. @defaultValue 10000 */
  readonly seqKeyCap?: number | undefined;
  readonly log?: DriverLog | undefined;
}

/** What tests replace. */
export interface EtcdDriverParts {
  readonly clock?: LeaseClock | undefined;
  readonly after?: After | undefined;
  /** Instead of the cluster that the endpoints name. */
  readonly store?: EtcdStore | undefined;
}

/** How to reach the cluster. */
export interface ClientConfig {
  readonly endpoints: readonly Endpoint[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: EtcdTls | undefined;
  readonly clusterId: bigint | undefined;
  readonly opTimeoutMs: number;
}

/** Checked options. */
export interface DriverConfig {
  readonly client: ClientConfig;
  readonly keys: OracleKeys;
  readonly advertise: PeerEndpoint;
  readonly identity: Identity;
  readonly freshness: Freshness;
  readonly terms: TenureTerms;
  /** What the lease of a candidacy asks for; etcd may grant more (L4). */
  readonly ttlSeconds: bigint;
  readonly opTimeoutMs: number;
  readonly seqKeyCap: number;
  readonly capabilities: DriverCapabilities;
  readonly log: DriverLog;
  readonly clock: LeaseClock;
  readonly after: After;
}

const MIN_OP_TIMEOUT_MS = 50;
const MAX_NODE_ID = 255;
/**
 * How long an operator's command waits at least for one answer, in milliseconds: through an election of etcd, and for a
 * disk that is slow. It grants nothing and compares what it has seen in the transaction that writes, so the time between
 * proves nothing.
 */
const OPERATOR_TIMEOUT_MS = 5_000;

/** @throws ConsensusError `permanent` for the first option that cannot be used */
export function checkDriverOptions(options: EtcdDriverOptions, parts: EtcdDriverParts = {}): DriverConfig {
  const { freshness, terms } = checkSettings(options);
  const advertise = readEndpoint(options.advertise);
  if (advertise === undefined) {
    throw invalid(
      `expected advertise as host:port without a scheme, at most 255 characters, got ${JSON.stringify(options.advertise)}`,
    );
  }
  const { nodeId = advertise } = options;
  if (typeof nodeId !== "string" || nodeId.length > MAX_NODE_ID || nodeId === "") {
    throw invalid(`expected nodeId as a text of 1 to ${MAX_NODE_ID} characters`);
  }
  const most = Math.floor(terms.tenureMs / 2);
  const opTimeoutMs = options.opTimeoutMs ?? Math.max(MIN_OP_TIMEOUT_MS, Math.round(terms.tenureMs / 6));
  const { after: timers = after, clock = new LeaseClock() } = parts;
  return {
    client: checkAccess(options, wholeIn("opTimeoutMs", opTimeoutMs, MIN_OP_TIMEOUT_MS, most)),
    keys: new OracleKeys(options.prefix),
    advertise,
    identity: { nodeId, advertise, incarnation: randomUUID() },
    freshness,
    terms,
    ttlSeconds: BigInt(Math.ceil(terms.tenureMs / 1_000)),
    opTimeoutMs,
    seqKeyCap: wholeIn("seqKeyCap", options.seqKeyCap ?? DEFAULT_SEQ_KEY_CAP, 0, 1_000_000),
    capabilities: etcdCapabilitiesOf(freshness),
    log: unbreakable(options.log),
    clock,
    after: timers,
  };
}

/** @throws ConsensusError `permanent` */
export function checkSettings(options: EtcdOracleSettings): { freshness: Freshness; terms: TenureTerms } {
  const { freshness = "lease", tenure = DEFAULT_TENURE_TERMS } = options;
  if (freshness !== "lease" && freshness !== "confirm") {
    throw invalid(`expected freshness to be lease or confirm, got ${JSON.stringify(freshness)}`);
  }
  const { tenureMs, drift } = checkTenureTerms(tenure);
  if (tenureMs > 600_000) throw invalid(`expected a tenure of at most ten minutes, got ${tenureMs} ms`);
  // Stored in parts per million, so that what is compared is what was stored.
  const terms = { tenureMs, drift: Math.round(drift * 1e6) / 1e6 };
  return { freshness, terms: checkTenureTerms(terms) };
}

/** Of operators' commands. @throws ConsensusError `permanent` */
export function checkOracle(options: EtcdOracleOptions): { client: ClientConfig; keys: OracleKeys } {
  const asked = wholeIn("opTimeoutMs", options.opTimeoutMs ?? OPERATOR_TIMEOUT_MS, MIN_OP_TIMEOUT_MS, 600_000);
  return { client: checkAccess(options, Math.max(asked, OPERATOR_TIMEOUT_MS)), keys: new OracleKeys(options.prefix) };
}

function checkAccess(access: EtcdAccess, opTimeoutMs: number): ClientConfig {
  const { username, password, tls } = access;
  const clusterId = access.clusterId === undefined ? undefined : readClusterId(access.clusterId);
  if (access.clusterId !== undefined && clusterId === undefined) {
    throw invalid(`expected clusterId as up to 16 hexadecimal digits, got ${JSON.stringify(access.clusterId)}`);
  }
  if ((username === undefined) !== (password === undefined)) {
    throw invalid("expected username and password together, got one of them");
  }
  return {
    endpoints: parseEndpoints(access),
    username,
    password,
    tls,
    clusterId,
    opTimeoutMs,
  };
}

function wholeIn(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(`expected ${name} as a whole number from ${least} to ${most}, got ${String(value)}`);
}
