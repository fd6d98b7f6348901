// SPDX-License-Identifier: Apache-2.0
import { createSecureContext } from "node:tls";
import { type ConsensusDriver, systemClock } from "@tsoracle/consensus";
import {
  type Clock,
  DEFAULT_FAILOVER_ADVANCE_MS,
  DEFAULT_LEASE_TTL_CEILING_MS,
  DEFAULT_LEASE_TTL_FLOOR_MS,
  DEFAULT_MAX_SEQ_BATCH_KEYS,
  DEFAULT_MAX_SEQ_COUNT,
  DEFAULT_WINDOW_AHEAD_MS,
} from "@tsoracle/core";
import { messageOf } from "./finish.ts";
import { DEFAULT_LIMITS, type ServerLimits } from "./limits.ts";
import { type Logger, silentLogger, unbreakable } from "./logger.ts";
import { isLoopback } from "./loopback.ts";
import { ServerMetrics } from "./metrics.ts";
import { type TlsOptions, tlsSettings } from "./tls.ts";

/** Where the plain HTTP side port listens. A number alone means loopback; port 0 takes a free one. */
export type SidePortOptions = number | { readonly host?: string | undefined; readonly port: number };

/**
 * Where operators change the members of the cluster. Whoever reaches it can take the oracle apart, so an address that
 * is not loopback needs TLS, with an authority of operators whose certificates are asked for.
 */
export interface AdminPortOptions {
  /** Loopback by default. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: Required<TlsOptions> | undefined;
}

/** What {@link createServer} takes. Durations are in milliseconds. */
export interface ServerOptions {
  /** Keeps the high-water and elects the leader. The caller keeps owning it: dispose it after the server. */
  readonly driver: ConsensusDriver;
  /** The wall clock; advisory. */
  readonly clock?: Clock | undefined;
  /** How far ahead of the clock the high-water is kept. 3000. */
  readonly windowAheadMs?: number | undefined;
  /** How far a new leader moves the high-water before it serves; at most `windowAheadMs`. 1000. */
  readonly failoverAdvanceMs?: number | undefined;
  /** How long a shutdown waits for calls and the driver before it breaks off. 10000; 0 breaks off at once. */
  readonly shutdownGraceMs?: number | undefined;
  /** How often the heartbeat event is logged. 10000; 0 turns it off. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** Most values that one sequence request may take. 65536. */
  readonly maxSeqCount?: number | undefined;
  /** Most keys in one sequence batch. 128. */
  readonly maxSeqBatchKeys?: number | undefined;
  /** Shortest lease. 5000. */
  readonly leaseTtlFloorMs?: number | undefined;
  /** Longest lease. 300000. */
  readonly leaseTtlCeilingMs?: number | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  readonly logger?: Logger | undefined;
  /** Counters and histograms to use; by default the server makes its own, see `TsoServer.metrics`. */
  readonly metrics?: ServerMetrics | undefined;
  /** Plain HTTP with /metrics, /healthz, /readyz and a status page. Off unless given. */
  readonly sidePort?: SidePortOptions | undefined;
  /** `tsoracle.admin.v1.MembershipAdmin` on a port of its own, for a driver with membership. Off unless given. */
  readonly adminPort?: AdminPortOptions | undefined;
  /** Serve although the driver says that acknowledged writes can be lost; duplicates can follow. */
  readonly acceptDataLoss?: boolean | undefined;
}

/** Options with every default filled in and every value checked. */
export interface ResolvedOptions {
  readonly driver: ConsensusDriver;
  readonly clock: Clock;
  readonly windowAheadMs: number;
  readonly failoverAdvanceMs: number;
  readonly shutdownGraceMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxSeqCount: number;
  readonly maxSeqBatchKeys: number;
  readonly leaseTtl: { readonly floorMs: number; readonly ceilingMs: number };
  readonly tls: TlsOptions | undefined;
  readonly limits: ServerLimits;
  readonly logger: Logger;
  readonly metrics: ServerMetrics;
  readonly sidePort: { readonly host: string; readonly port: number } | undefined;
  readonly adminPort: ResolvedAdminPort | undefined;
}

export interface ResolvedAdminPort {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
}

/** An option that cannot be used. `option` is its name; the message says what was expected and what came. */
export class ServerOptionError extends Error {
  override readonly name = "ServerOptionError";
  readonly option: string;

  constructor(option: string, expected: string, got: unknown) {
    super(`${option}: expected ${expected}, got ${describe(got)}`);
    this.option = option;
  }
}

/** Longest duration that a Node timer can count, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Fills in defaults and checks every value. @throws ServerOptionError naming the first bad option. */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  const { driver } = options;
  checkDriver(driver, options.acceptDataLoss);
  const windowAheadMs = integer("windowAheadMs", options.windowAheadMs ?? DEFAULT_WINDOW_AHEAD_MS, 1);
  const failoverAdvanceMs = integer(
    "failoverAdvanceMs",
    options.failoverAdvanceMs ?? Math.min(DEFAULT_FAILOVER_ADVANCE_MS, windowAheadMs),
    1,
  );
  if (failoverAdvanceMs > windowAheadMs) {
    throw new ServerOptionError("failoverAdvanceMs", `at most windowAheadMs (${windowAheadMs})`, failoverAdvanceMs);
  }
  const floorMs = integer("leaseTtlFloorMs", options.leaseTtlFloorMs ?? DEFAULT_LEASE_TTL_FLOOR_MS, 1);
  const ceilingMs = integer("leaseTtlCeilingMs", options.leaseTtlCeilingMs ?? DEFAULT_LEASE_TTL_CEILING_MS, 1);
  if (floorMs > ceilingMs) {
    throw new ServerOptionError("leaseTtlFloorMs", `at most leaseTtlCeilingMs (${ceilingMs})`, floorMs);
  }
  return {
    driver,
    clock: options.clock ?? systemClock,
    windowAheadMs,
    failoverAdvanceMs,
    shutdownGraceMs: integer("shutdownGraceMs", options.shutdownGraceMs ?? 10_000, 0),
    heartbeatIntervalMs: integer("heartbeatIntervalMs", options.heartbeatIntervalMs ?? 10_000, 0),
    maxSeqCount: integer("maxSeqCount", options.maxSeqCount ?? DEFAULT_MAX_SEQ_COUNT, 1, 0xffff_ffff),
    maxSeqBatchKeys: integer("maxSeqBatchKeys", options.maxSeqBatchKeys ?? DEFAULT_MAX_SEQ_BATCH_KEYS, 1, 65_536),
    leaseTtl: { floorMs, ceilingMs },
    tls: checkTls("tls", options.tls),
    limits: resolveLimits(options.limits ?? {}),
    logger: unbreakable(options.logger ?? silentLogger),
    metrics: options.metrics ?? new ServerMetrics(),
    sidePort: resolveSidePort(options.sidePort),
    adminPort: resolveAdminPort(options.adminPort, driver),
  };
}

function checkDriver(driver: ConsensusDriver | undefined, acceptDataLoss: boolean | undefined): void {
  if (typeof driver?.leadershipEvents !== "function" || typeof driver.persistHighWater !== "function") {
    throw new ServerOptionError("driver", "a ConsensusDriver", driver);
  }
  if (driver.capabilities.durability === "asynchronous" && acceptDataLoss !== true) {
    throw new ServerOptionError(
      "driver",
      "a driver whose acknowledged writes survive a crash, or acceptDataLoss: true to accept that timestamps may repeat",
      `driver ${JSON.stringify(driver.name)} with durability "asynchronous"`,
    );
  }
}

function checkTls(option: string, tls: TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  const pem = "PEM text or bytes";
  if (isEmpty(tls.cert))
    throw new ServerOptionError(`${option}.cert`, `${pem}, since ${option}.key is given with it`, tls.cert);
  if (isEmpty(tls.key))
    throw new ServerOptionError(`${option}.key`, `${pem}, since ${option}.cert is given with it`, tls.key);
  if (tls.clientCa !== undefined && isEmpty(tls.clientCa))
    throw new ServerOptionError(`${option}.clientCa`, pem, tls.clientCa);
  try {
    createSecureContext(tlsSettings(tls));
  } catch (error) {
    throw new ServerOptionError(option, "a certificate and its own private key in PEM", messageOf(error));
  }
  return tls;
}

function isEmpty(pem: string | Uint8Array | undefined): boolean {
  return !((typeof pem === "string" || pem instanceof Uint8Array) && pem.length > 0);
}

function resolveLimits(given: Partial<ServerLimits>): ServerLimits {
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in DEFAULT_LIMITS)) {
      throw new ServerOptionError(`limits.${name}`, `one of ${Object.keys(DEFAULT_LIMITS).join(", ")}`, name);
    }
    if (value !== undefined) limits[name as keyof ServerLimits] = integer(`limits.${name}`, value, 1);
  }
  return limits;
}

function resolveSidePort(given: SidePortOptions | undefined): { host: string; port: number } | undefined {
  if (given === undefined) return undefined;
  const { host = "127.0.0.1", port } = typeof given === "number" ? { port: given } : given;
  if (typeof host !== "string" || host === "") throw new ServerOptionError("sidePort.host", "a host name", host);
  return { host, port: integer("sidePort", port, 0, 65_535) };
}

function resolveAdminPort(given: AdminPortOptions | undefined, driver: ConsensusDriver): ResolvedAdminPort | undefined {
  if (given === undefined) return undefined;
  if (driver.membership === undefined) {
    throw new ServerOptionError("adminPort", "a driver whose members can be changed", `driver ${driver.name}`);
  }
  const { host = "127.0.0.1", port } = given;
  if (typeof host !== "string" || host === "") throw new ServerOptionError("adminPort.host", "a host name", host);
  const tls = checkTls("adminPort.tls", given.tls);
  if (tls !== undefined && tls.clientCa === undefined) {
    throw new ServerOptionError("adminPort.tls.clientCa", "the authority of operators", tls.clientCa);
  }
  if (tls === undefined && !isLoopback(host)) {
    const why = `since ${host} is not loopback and whoever reaches it can take the cluster apart`;
    throw new ServerOptionError("adminPort.tls", `certificates, ${why}`, tls);
  }
  return { host, port: integer("adminPort.port", port, 0, 65_535), tls };
}

function integer(option: string, value: unknown, min: number, max: number = MAX_TIMER_MS): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ServerOptionError(option, `an integer from ${min} to ${max}`, value);
}

function describe(value: unknown): string {
  if (typeof value === "string") return value.length > 80 ? "a long string" : value === "" ? "an empty string" : value;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
