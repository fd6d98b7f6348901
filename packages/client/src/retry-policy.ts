// SPDX-License-Identifier: Apache-2.0
import { ClientError } from "./client-error.ts";

/** Bounds of one call. All times are milliseconds. */
export interface RetryPolicy {
  /** Failed attempts, counting neither redirects nor nodes that know of no leader; at least one per endpoint is made. */
  readonly maxAttempts: number;
  readonly perAttemptDeadlineMs: number;
  /** From the call to its end, waiting in the client included. */
  readonly overallDeadlineMs: number;
  readonly baseBackoffMs: number;
  /** Longest single sleep between attempts. */
  readonly maxBackoffMs: number;
  /** Longest single sleep while the servers elect a leader: short, because nothing is overloaded then. */
  readonly maxElectionBackoffMs: number;
  /** How long a leader is asked first after it was last heard of. */
  readonly leaderTtlMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 5,
  perAttemptDeadlineMs: 2_000,
  overallDeadlineMs: 10_000,
  baseBackoffMs: 50,
  maxBackoffMs: 5_000,
  maxElectionBackoffMs: 500,
  leaderTtlMs: 30_000,
};

/** Redirects followed in one pass over the endpoints, and in one call. */
export const MAX_REDIRECTS_PER_PASS = 16;
export const MAX_REDIRECTS_PER_CALL = 64;

const LONGEST_TIMER_MS = 2_147_483_647;

/** @throws ClientError `invalid_options` naming the field. */
export function resolveRetryPolicy(given: Partial<RetryPolicy> = {}): RetryPolicy {
  const policy: { -readonly [Name in keyof RetryPolicy]: RetryPolicy[Name] } = { ...DEFAULT_RETRY_POLICY };
  for (const name of Object.keys(DEFAULT_RETRY_POLICY) as (keyof RetryPolicy)[]) {
    const value = given[name] ?? DEFAULT_RETRY_POLICY[name];
    const minimum = name === "baseBackoffMs" || name === "leaderTtlMs" ? 0 : 1;
    if (!Number.isFinite(value) || value < minimum || value > LONGEST_TIMER_MS) {
      throw new ClientError(
        "invalid_options",
        `expected retry.${name} as a number from ${minimum} to ${LONGEST_TIMER_MS}, got ${String(value)}`,
      );
    }
    policy[name] = value;
  }
  return policy;
}

/** Full jitter: uniform between zero and a bound that doubles with each sleep until it meets the cap. */
export function backoffMs(sleeps: number, baseMs: number, capMs: number, random: () => number): number {
  return random() * Math.min(baseMs * 2 ** Math.min(sleeps, 40), capMs);
}
