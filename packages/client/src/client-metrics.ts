// SPDX-License-Identifier: Apache-2.0

/** Names as in `tsoracle-behaviour.md` 5.8. */
export type ClientCounter =
  | "tsoracle.client.not_leader.total"
  | "tsoracle.client.leader_pivots.total"
  | "tsoracle.client.retries.total"
  | "tsoracle.client.leader_hint.decode_failures.total"
  | "tsoracle.client.leader_hint.stale.total"
  | "tsoracle.client.leader_redirect_cap.total"
  | "tsoracle.client.leader_redirect_total_cap.total"
  | "tsoracle.client.connect.failures.total"
  | "tsoracle.client.driver.abandoned_waiters.total";

export type ClientGauge = "tsoracle.client.driver.queue_depth" | "tsoracle.client.driver.in_flight";

/** Seconds, for real dials only. */
export type ClientHistogram = "tsoracle.client.connect.duration";

/** Why a request is sent again. */
export type RetryReason = "connect_failure" | "not_leader" | "transport" | "decode_error" | "deadline_exceeded";

/**
 * Where a client reports what it does; connect it to the metrics library of your choice. The calls
 * are made on the path of requests: return at once. What they throw is ignored.
 */
export interface ClientMetrics {
  /** Adds one. `reason` comes with `tsoracle.client.retries.total` only. */
  count(name: ClientCounter, labels?: { readonly reason: RetryReason }): void;
  gauge(name: ClientGauge, value: number): void;
  observe(name: ClientHistogram, seconds: number): void;
}

function ignore(): void {}

const NO_METRICS: ClientMetrics = { count: ignore, gauge: ignore, observe: ignore };

/** A broken metrics adapter must not cost a caller its timestamp. */
export function guardedMetrics(metrics: ClientMetrics | undefined): ClientMetrics {
  if (metrics === undefined) return NO_METRICS;
  const guard = (report: () => void): void => {
    try {
      report();
    } catch {
      // Nobody is there to be told.
    }
  };
  return {
    count: (name, labels) => guard(() => metrics.count(name, labels)),
    gauge: (name, value) => guard(() => metrics.gauge(name, value)),
    observe: (name, seconds) => guard(() => metrics.observe(name, seconds)),
  };
}
