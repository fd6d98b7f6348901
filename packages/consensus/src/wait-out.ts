// SPDX-License-Identifier: Apache-2.0
import { invariant } from "@tsoracle/core";

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

/** @throws InvariantViolation unless the terms can be relied on. */
export function checkTenureTerms(terms: TenureTerms): TenureTerms {
  invariant(
    Number.isFinite(terms.tenureMs) && terms.tenureMs >= MIN_TENURE_MS,
    `a tenure lasts at least ${MIN_TENURE_MS} ms, got ${terms.tenureMs}`,
  );
  invariant(terms.drift > 0 && terms.drift < 1, `the drift is between 0 and 1, got ${terms.drift}`);
  return terms;
}

/**
 * The time a new leader lets pass before it serves, so that its predecessor's tenure has ended by
 * any clock (`postgres-redis.md` 2.3). It looks at the monotonic clock alone: one that ran ahead
 * would cut the wait short.
 *
 * Pure: `now` is an argument, in nanoseconds of one process's monotonic clock.
 */
export class WaitOut {
  /** When serving may begin, in monotonic nanoseconds. */
  readonly deadlineNs: bigint;

  private constructor(deadlineNs: bigint) {
    this.deadlineNs = deadlineNs;
  }

  /** Waits a whole D(1+ρ) from `baseNs`, the arrival of the reply that showed the predecessor's last renewal. */
  static after(baseNs: bigint, terms: TenureTerms): WaitOut {
    return new WaitOut(baseNs + BigInt(Math.ceil(waitOutMs(terms) * 1e6)));
  }

  /** Nothing to wait for: the predecessor released cleanly, or there has been none. */
  static none(nowNs: bigint): WaitOut {
    return new WaitOut(nowNs);
  }

  /**
   * What the next reign of the same process must wait for: its own unfinished wait, or nothing once
   * that was over. A reign that was still waiting for somebody else ended nobody's tenure.
   */
  inherited(nowNs: bigint): WaitOut {
    return this.over(nowNs) ? WaitOut.none(nowNs) : this;
  }

  over(nowNs: bigint): boolean {
    return nowNs >= this.deadlineNs;
  }

  remainingMs(nowNs: bigint): number {
    return this.over(nowNs) ? 0 : Number(this.deadlineNs - nowNs) / 1e6;
  }
}
