// SPDX-License-Identifier: Apache-2.0

/** How a session came through a failover. Source: `fencing-quorum-sessions.md` 4.1 and 4.5. */
export interface ContinuityReport {
  /** From the failover to the reconnect, at least 0. */
  readonly reconnectLatencyMs: number;
  /** Deltas that the backend did not hold when the session crashed. */
  readonly estimatedDataLossEvents: number;
  /** Whether both budgets of the session were kept; a budget that is used up exactly is kept. */
  readonly met: boolean;
}
