// SPDX-License-Identifier: Apache-2.0
import {
  checkTenureTerms,
  DEFAULT_TENURE_TERMS,
  type DriverCapabilities,
  LeaseClock,
  type TenureTerms,
} from "@tsoracle/consensus";
import { DEFAULT_SEQ_KEY_CAP, type PeerEndpoint, parsePeerEndpoint } from "@tsoracle/core";
import { type Freshness, type PostgresDurability, postgresCapabilitiesOf } from "./capabilities.ts";
import { invalid } from "./invalid.ts";
import { type DriverLog, unbreakable } from "./log.ts";
import { type OracleIdentity, oracleIdentity } from "./oracle-name.ts";
import { checkSchema, type Statements, statementsFor } from "./statements.ts";
import { type PostgresTarget, parseTargets, type TargetOptions } from "./target.ts";

export interface PostgresDriverOptions extends TargetOptions {
  /** Which oracle of the database: letters, digits, `.`, `_`, `:` and `-`. */
  readonly oracle: string;
  /** Where clients reach this server, `host:port`; followers name it while this one leads. */
  readonly advertise: string;
  /** @defaultValue "tso" */
  readonly schema?: string | undefined;
  /** Must be what the oracle was made with. @defaultValue "lease" */
  readonly freshness?: Freshness | undefined;
  /** D in milliseconds. Must be what the oracle was made with. @defaultValue 3000 */
  readonly tenureMs?: number | undefined;
  /** ρ. Must be what the oracle was made with. @defaultValue 0.1 */
  readonly drift?: number | undefined;
  /**
   * `replicated` demands synchronous replication of the server, and confirms leadership by a write.
   *
   * @defaultValue "fsync"
   */
  readonly durability?: PostgresDurability | undefined;
  /** What to wait for before a commit is acknowledged. @defaultValue "on" */
  readonly synchronousCommit?: "on" | "remote_apply" | undefined;
  /**
   * What to do when the server was promoted since the last reign, so that writes may be lost: `refuse` until an
   * operator has run fast-forward, or `accept` that timestamps may be issued again.
   *
   * @defaultValue "refuse"
   */
  readonly onTimelineChange?: "refuse" | "accept" | undefined;
  /** Accept a session pooler between here and the server. Its timeouts then guard the wrong connection. @defaultValue false */
  readonly allowSessionPooler?: boolean | undefined;
  /** Serve although the server runs without fsync or full_page_writes. For tests only. @defaultValue false */
  readonly allowUnsafeDurability?: boolean | undefined;
  /** Longest wait for one statement, in milliseconds. @defaultValue a sixth of the tenure */
  readonly opTimeoutMs?: number | undefined;
  /** Standbys only, for this long, and it is an error for people; in milliseconds. @defaultValue 60000 */
  readonly readOnlyGraceMs?: number | undefined;
  /** Most sequence keys of the oracle. Give every server the same. @defaultValue 10000 */
  readonly seqKeyCap?: number | undefined;
  /** Whether this server wants to lead now; asked before each try. Throwing is no. A leader that no longer wants to must resign. */
  readonly mayLead?: (() => boolean) | undefined;
  readonly log?: DriverLog | undefined;
}

/** What tests replace. */
export interface PostgresDriverParts {
  readonly clock?: LeaseClock | undefined;
  readonly random?: (() => number) | undefined;
  readonly statements?: Statements | undefined;
}

/** Checked options. */
export interface DriverConfig {
  readonly identity: OracleIdentity;
  readonly targets: readonly PostgresTarget[];
  readonly endpoint: PeerEndpoint;
  readonly schema: string;
  readonly statements: Statements;
  readonly freshness: Freshness;
  readonly terms: TenureTerms;
  readonly durability: PostgresDurability;
  readonly capabilities: DriverCapabilities;
  readonly synchronousCommit: "on" | "remote_apply";
  readonly onTimelineChange: "refuse" | "accept";
  readonly allowSessionPooler: boolean;
  readonly allowUnsafeDurability: boolean;
  readonly opTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly readOnlyGraceMs: number;
  readonly seqKeyCap: number;
  readonly mayLead: () => boolean;
  readonly log: DriverLog;
  readonly clock: LeaseClock;
  readonly random: () => number;
}

/** The server ends a statement this much before the driver gives it up, so that its answer arrives. */
const STATEMENT_MARGIN_MS = 50;
const LOCK_MARGIN_MS = 100;
const MIN_OP_TIMEOUT_MS = 150;
const MIN_CONNECT_TIMEOUT_MS = 1_000;

/** @throws ConsensusError `permanent` for the first option that cannot be used. */
export function checkOptions(options: PostgresDriverOptions, parts: PostgresDriverParts = {}): DriverConfig {
  const schema = checkSchema(options.schema ?? "tso");
  const terms = checkTenureTerms({
    tenureMs: options.tenureMs ?? DEFAULT_TENURE_TERMS.tenureMs,
    drift: options.drift ?? DEFAULT_TENURE_TERMS.drift,
  });
  const freshness = oneOf("freshness", options.freshness ?? "lease", ["lease", "confirm"]);
  const durability = oneOf("durability", options.durability ?? "fsync", ["fsync", "replicated"]);
  const opTimeoutMs = wholeIn(
    "opTimeoutMs",
    options.opTimeoutMs ?? Math.round(terms.tenureMs / 6),
    MIN_OP_TIMEOUT_MS,
    Math.floor(terms.tenureMs / 2),
  );
  return {
    identity: oracleIdentity(options.oracle),
    targets: parseTargets(options),
    endpoint: checkEndpoint(options.advertise),
    schema,
    statements: parts.statements ?? statementsFor(schema),
    freshness,
    terms,
    durability,
    capabilities: postgresCapabilitiesOf(durability, freshness),
    synchronousCommit: oneOf("synchronousCommit", options.synchronousCommit ?? "on", ["on", "remote_apply"]),
    onTimelineChange: oneOf("onTimelineChange", options.onTimelineChange ?? "refuse", ["refuse", "accept"]),
    allowSessionPooler: options.allowSessionPooler === true,
    allowUnsafeDurability: options.allowUnsafeDurability === true,
    opTimeoutMs,
    connectTimeoutMs: Math.max(MIN_CONNECT_TIMEOUT_MS, 2 * opTimeoutMs),
    readOnlyGraceMs: wholeIn("readOnlyGraceMs", options.readOnlyGraceMs ?? 60_000, 0, 2 ** 31 - 1),
    seqKeyCap: wholeIn("seqKeyCap", options.seqKeyCap ?? DEFAULT_SEQ_KEY_CAP, 0, 1_000_000),
    mayLead: willing(options.mayLead),
    log: unbreakable(options.log),
    clock: parts.clock ?? new LeaseClock(),
    random: parts.random ?? Math.random,
  };
}

/** Startup options of the session (`postgres-redis.md` 3.6); they outrank what the role or the database sets. */
export function sessionSettings(config: DriverConfig): Readonly<Record<string, string>> {
  const { terms, opTimeoutMs } = config;
  return {
    synchronous_commit: config.synchronousCommit,
    default_transaction_isolation: "read committed",
    default_transaction_read_only: "off",
    client_min_messages: "warning",
    idle_session_timeout: String(terms.tenureMs),
    idle_in_transaction_session_timeout: String(terms.tenureMs),
    statement_timeout: String(opTimeoutMs - STATEMENT_MARGIN_MS),
    lock_timeout: String(opTimeoutMs - LOCK_MARGIN_MS),
    tcp_keepalives_idle: "1",
    tcp_keepalives_interval: "1",
    tcp_keepalives_count: "3",
    tcp_user_timeout: String(terms.tenureMs),
    search_path: "pg_catalog",
  };
}

const MAX_ENDPOINT_CHARACTERS = 255;

/** @throws ConsensusError `permanent`. */
function checkEndpoint(text: string): PeerEndpoint {
  const endpoint = readEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw invalid(
    `expected advertise as host:port without a scheme, at most ${MAX_ENDPOINT_CHARACTERS} characters, ` +
      `got ${JSON.stringify(text)}`,
  );
}

/** An endpoint as writer and reader both accept it; anything else is no hint. */
export function readEndpoint(text: string | null): PeerEndpoint | undefined {
  if (typeof text !== "string" || text.length > MAX_ENDPOINT_CHARACTERS || /[\p{Cc}\s]/u.test(text)) return undefined;
  const parsed = parsePeerEndpoint(text);
  return parsed.ok ? parsed.endpoint : undefined;
}

function willing(mayLead: (() => boolean) | undefined): () => boolean {
  return () => {
    try {
      return mayLead === undefined || mayLead();
    } catch {
      return false;
    }
  };
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw invalid(`expected ${name} to be ${allowed.join(" or ")}, got ${JSON.stringify(value)}`);
}

function wholeIn(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(`expected ${name} as a whole number from ${least} to ${most}, got ${String(value)}`);
}
