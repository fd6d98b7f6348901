// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, LeaseClock, Tenure } from "@tsoracle/consensus";
import type { TenureCell } from "./tenure-cell.ts";

/** What the lease is computed from; the same on all nodes of a cluster. */
export interface LeaseTerms {
  /** One tick, in milliseconds. */
  readonly heartbeatMs: number;
  /** T in ticks. */
  readonly electionTicks: number;
  /** ρ: by how much two clocks may run apart. */
  readonly drift: number;
}

/** What is left for reading clocks and for rounding. Milliseconds. */
const MARGIN_MS = 5;

/**
 * How old the newest acknowledged round may be, in milliseconds (Q2). A follower refuses votes for T
 * after it heard the leader, but the first of its ticks may come right after that, so T is worth one
 * tick less; its clock may run faster, and this one slower, by ρ in all.
 */
export function usableLeaseMs({ heartbeatMs, electionTicks, drift }: LeaseTerms): number {
  return (electionTicks - 1) * heartbeatMs * (1 - drift) - MARGIN_MS;
}

/** The tenure of one reign as the lease has it: by clocks, read from shared memory (Q2, Q6, Q8, N4). */
export function leaseTenure(term: number, cell: TenureCell, clock: LeaseClock, usableMs: number): Tenure {
  return Object.freeze({
    valid: () => {
      const reading = cell.read();
      return reading.term === term && reading.mark !== undefined && clock.ageMs(reading.mark) < usableMs;
    },
  });
}

/** The tenure of one reign that is asked for each batch: a round of ReadIndex begun after the question (Q1). */
export function confirmedTenure(
  term: number,
  cell: TenureCell,
  ask: (term: number, options?: CallOptions) => Promise<boolean>,
): Tenure {
  return Object.freeze({
    valid: () => cell.term === term,
    confirm: async (options?: CallOptions) => (await ask(term, options)) && cell.term === term,
  });
}
