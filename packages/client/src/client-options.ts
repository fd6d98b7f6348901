// SPDX-License-Identifier: Apache-2.0
import { ClientError } from "./client-error.ts";
import type { ClientMetrics } from "./client-metrics.ts";
import { type RetryPolicy, resolveRetryPolicy } from "./retry-policy.ts";
import { parseTargets, type Target } from "./target.ts";

/** PEM text, or its bytes. */
export type Pem = string | Uint8Array;

export interface ClientTlsOptions {
  /** Authorities to trust; those of Node when left out. */
  readonly ca?: Pem | undefined;
  /** Certificate chain and key of this client, for servers that ask for them. Both or neither. */
  readonly cert?: Pem | undefined;
  readonly key?: Pem | undefined;
  /** The name to expect in the server's certificate, when it is not the host of the endpoint. */
  readonly serverName?: string | undefined;
}

export interface ClientOptions {
  /** `host:port`, optionally after `http://` or `https://`; at least one. */
  readonly endpoints: readonly string[];
  /** With TLS settings, even empty ones, bare endpoints and leader hints are spoken to over TLS. */
  readonly tls?: ClientTlsOptions | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Requests for timestamps on the way at the same time, 1 to 16; 1 unless given. */
  readonly pipelining?: number | undefined;
  /**
   * Calls for timestamps that may wait for their request, and other calls that may be under way, at
   * the same time; 65,536 of each unless given. Further ones fail as `overloaded`.
   */
  readonly maxQueuedCalls?: number | undefined;
  readonly metrics?: ClientMetrics | undefined;
}

/** Options after the checks, with defaults in place. */
export interface ResolvedOptions {
  readonly targets: readonly Target[];
  readonly tls: ClientTlsOptions | undefined;
  readonly retry: RetryPolicy;
  readonly pipelining: number;
  readonly maxQueuedCalls: number;
  readonly metrics: ClientMetrics | undefined;
}

const DEFAULT_MAX_QUEUED_CALLS = 65_536;
const DEFAULT_PIPELINING = 1;

/** @throws ClientError `no_reachable_endpoints`, `invalid_endpoint` or `invalid_options`. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  const { tls } = options;
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined)) {
    const missing = tls.cert === undefined ? "tls.cert" : "tls.key";
    throw new ClientError("invalid_options", `expected tls.cert and tls.key together, ${missing} is missing`);
  }
  return {
    targets: parseTargets(options.endpoints, tls !== undefined),
    tls,
    retry: resolveRetryPolicy(options.retry),
    pipelining: integer("pipelining", options.pipelining ?? DEFAULT_PIPELINING, 16),
    maxQueuedCalls: integer("maxQueuedCalls", options.maxQueuedCalls ?? DEFAULT_MAX_QUEUED_CALLS, 16_777_216),
    metrics: options.metrics,
  };
}

function integer(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new ClientError("invalid_options", `expected ${name} as an integer from 1 to ${max}, got ${String(value)}`);
}
