// SPDX-License-Identifier: Apache-2.0
import type { QuorumFailureReason } from "./quorum-error.ts";

/** Result of one peer for one write: `late` arrived after the deadline, `foreign` has no vote. */
export type QuorumAckResult = "ok" | "fail" | "id_drift" | "late" | "foreign";

/** Every metric with its labels. A peer is `peer-<i>`, by its place in the configuration. */
export interface QuorumMetricLabels {
  readonly replication_quorum_ack_total: { readonly result: QuorumAckResult };
  readonly replication_quorum_failures_total: { readonly reason: QuorumFailureReason };
  readonly replication_clock_skew_seconds: { readonly peer: string };
  readonly replication_partial_quorum_total: Readonly<Record<never, never>>;
  readonly replication_fanout_retry_total: { readonly outcome: "ok" | "fail" | "id_drift" };
  readonly replication_fanout_dropped_total: { readonly reason: "id_drift" | "peer_fail" | "dead_letter_overflow" };
  readonly replication_dead_letter_depth: Readonly<Record<never, never>>;
  readonly replication_peer_last_success_ms: { readonly peer: string };
  readonly replication_peer_failure_streak: { readonly peer: string };
}

export type QuorumMetricName = keyof QuorumMetricLabels;

/** What each metric is and counts. Source: `fencing-quorum-sessions.md` 2.8. */
export const QUORUM_METRICS: Readonly<
  Record<QuorumMetricName, { readonly kind: "counter" | "gauge" | "histogram"; readonly help: string }>
> = Object.freeze({
  replication_quorum_ack_total: { kind: "counter", help: "results of peers, one for each peer and write" },
  replication_quorum_failures_total: { kind: "counter", help: "writes that missed their quorum" },
  replication_clock_skew_seconds: { kind: "histogram", help: "distance of a peer's clock, without its sign" },
  replication_partial_quorum_total: { kind: "counter", help: "writes that met their quorum without some peer" },
  replication_fanout_retry_total: { kind: "counter", help: "second attempts at a peer" },
  replication_fanout_dropped_total: { kind: "counter", help: "sends that were given up, and dead letters pushed out" },
  replication_dead_letter_depth: { kind: "gauge", help: "writes that some peer still lacks" },
  replication_peer_last_success_ms: { kind: "gauge", help: "monotonic time of a peer's last acknowledgement" },
  replication_peer_failure_streak: { kind: "gauge", help: "failures of a peer since its last acknowledgement" },
});

/** Where measurements go. `record` adds 1 to a counter, observes a histogram's value, sets a gauge. */
export interface QuorumMetrics {
  record<N extends QuorumMetricName>(name: N, labels: QuorumMetricLabels[N], value: number): void;
}

export const noMetrics: QuorumMetrics = Object.freeze({ record(): void {} });
