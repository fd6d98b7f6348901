// SPDX-License-Identifier: Apache-2.0
import type { OwnershipError } from "../ownership-error.ts";
import type { ContentionMetrics } from "./contention.ts";

/** One thing that happened under contention, on the model or on real stores. */
export type ContentionEvent =
  | { readonly kind: "claim_refused"; readonly error: OwnershipError }
  | { readonly kind: "takeover" }
  | { readonly kind: "retry" }
  /** From the wish to renew to the answer. */
  | { readonly kind: "lease_window"; readonly ms: number }
  | { readonly kind: "lease_queue"; readonly depth: number }
  | { readonly kind: "takeover_queue"; readonly depth: number }
  /** Entries after the last snapshot, and the time they span. */
  | { readonly kind: "replayed"; readonly events: number; readonly ms: number };

/** Counts events, in whatever order. Source: `fencing-quorum-sessions.md` 4.8. */
export function tallyContention(events: readonly ContentionEvent[]): ContentionMetrics {
  const of = <K extends ContentionEvent["kind"]>(kind: K): Extract<ContentionEvent, { kind: K }>[] =>
    events.filter((event): event is Extract<ContentionEvent, { kind: K }> => event.kind === kind);
  const refused = (kind: OwnershipError["kind"]): number =>
    of("claim_refused").filter(({ error }) => error.kind === kind).length;
  const peak = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);
  return Object.freeze({
    ownershipConflicts: of("claim_refused").length,
    splitBrainRejections: refused("split_brain"),
    staleOwnerRejections: refused("stale_owner"),
    invalidTokenRejections: refused("invalid_token"),
    takeoverSuccesses: of("takeover").length,
    leaseWindowP95Ms: nearestRank(
      of("lease_window").map(({ ms }) => ms),
      95,
    ),
    leaseQueuePeak: peak(of("lease_queue").map(({ depth }) => depth)),
    takeoverQueuePeak: peak(of("takeover_queue").map(({ depth }) => depth)),
    retryAttempts: of("retry").length,
    checkpointWindowEvents: peak(of("replayed").map((event) => event.events)),
    replayWindowMs: peak(of("replayed").map(({ ms }) => ms)),
  });
}

/** The smallest value that at least so many percent of all are not above; 0 where there are none. */
export function nearestRank(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}
