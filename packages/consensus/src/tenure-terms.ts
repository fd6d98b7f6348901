// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "./consensus-error.ts";

/** Length of a tenure and the slack for clock rates: one pair for all processes of an oracle. */
export interface TenureTerms {
  /** D, in milliseconds; at least 1000. */
  readonly tenureMs: number;
  /** ρ: how much faster or slower than real time any clock may run. At least what time synchronisation may slew. */
  readonly drift: number;
}

/** D = 3 s, ρ = 0.10 (`postgres-redis.md` 2.7). */
export const DEFAULT_TENURE_TERMS: TenureTerms = Object.freeze({ tenureMs: 3_000, drift: 0.1 });

/** Shortest tenure that is accepted, in milliseconds. */
export const MIN_TENURE_MS = 1_000;

/** How long a leader may rely on a renewal: D(1-ρ), in milliseconds. */
export function usableTenureMs(terms: TenureTerms): number {
  return terms.tenureMs * (1 - terms.drift);
}

/** How long a successor waits: D(1+ρ), in milliseconds. */
export function waitOutMs(terms: TenureTerms): number {
  return terms.tenureMs * (1 + terms.drift);
}

/**
 * Checks terms where they enter: from options, and from the store.
 *
 * @throws ConsensusError `permanent` unless the terms can be relied on.
 */
export function checkTenureTerms(terms: TenureTerms): TenureTerms {
  const { tenureMs, drift } = terms;
  if (!Number.isSafeInteger(tenureMs) || tenureMs < MIN_TENURE_MS) {
    throw new ConsensusError(
      "permanent",
      `expected a tenure of a whole number of milliseconds, at least ${MIN_TENURE_MS}, got ${String(tenureMs)}`,
    );
  }
  if (!(drift > 0 && drift < 1)) {
    throw new ConsensusError(
      "permanent",
      `expected a clock drift above 0 and below 1 (0.1 is ten per cent), got ${String(drift)}`,
    );
  }
  return terms;
}
