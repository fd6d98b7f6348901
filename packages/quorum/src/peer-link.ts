// SPDX-License-Identifier: Apache-2.0
import type { QuorumMetricLabels, QuorumMetricName, QuorumMetrics } from "./metrics.ts";
import type { PeerOutcome, QuorumPeer, QuorumRecord } from "./peer.ts";
import type { Timers } from "./timers.ts";

/** Milliseconds before the one repetition of a failed send. */
export const RETRY_DELAY_MS = 250;

export interface PeerLinkOptions<T> {
  readonly peer: QuorumPeer<T>;
  /** Label in metrics. */
  readonly label: string;
  readonly timers: Timers;
  readonly metrics: QuorumMetrics;
  /** Deliveries under way at once; beyond it a delivery fails at once. */
  readonly inFlightMax: number;
}

/** The way to one peer: attempts, the one repetition, and the peer's own figures. Never rejects. */
export class PeerLink<T> {
  readonly id: string;
  readonly label: string;
  readonly #options: PeerLinkOptions<T>;
  #inFlight = 0;
  #failureStreak = 0;

  constructor(options: PeerLinkOptions<T>) {
    this.#options = options;
    this.id = options.peer.id;
    this.label = options.label;
  }

  /** Sends, and after a failure sends once more. Nothing cuts it short. */
  async deliver(record: QuorumRecord<T>): Promise<PeerOutcome> {
    if (this.#inFlight >= this.#options.inFlightMax) {
      return this.#noted({ kind: "fail", text: `busy: ${this.#inFlight} sends are under way` });
    }
    this.#inFlight += 1;
    try {
      const first = await this.#attempt(record);
      if (first.kind !== "fail") return this.#noted(first);
      await new Promise<void>((resolve) => void this.#options.timers.after(RETRY_DELAY_MS, resolve));
      const second = await this.#attempt(record);
      this.#record("replication_fanout_retry_total", { outcome: second.kind === "ack" ? "ok" : second.kind }, 1);
      return this.#noted(
        second.kind === "fail" ? { kind: "fail", text: `first: ${first.text}; retry: ${second.text}` } : second,
      );
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Sends once, for replays. */
  async redeliver(record: QuorumRecord<T>): Promise<PeerOutcome> {
    return this.#noted(await this.#attempt(record));
  }

  async #attempt(record: QuorumRecord<T>): Promise<PeerOutcome> {
    try {
      return checked(await this.#options.peer.send(record, { idempotencyKey: record.id }));
    } catch (error) {
      return { kind: "fail", text: `network: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #noted(outcome: PeerOutcome): PeerOutcome {
    const { timers } = this.#options;
    const peer = this.label;
    if (outcome.kind === "ack") {
      this.#failureStreak = 0;
      this.#record("replication_peer_last_success_ms", { peer }, timers.monotonicMs());
    } else {
      this.#failureStreak += 1;
      const reason = outcome.kind === "fail" ? "peer_fail" : "id_drift";
      this.#record("replication_fanout_dropped_total", { reason }, 1);
    }
    this.#record("replication_peer_failure_streak", { peer }, this.#failureStreak);
    return outcome;
  }

  #record<N extends QuorumMetricName>(name: N, labels: QuorumMetricLabels[N], value: number): void {
    this.#options.metrics.record(name, labels, value);
  }
}

/** An answer that is none of the three must not be taken for an acknowledgement. */
function checked(outcome: PeerOutcome): PeerOutcome {
  switch (outcome?.kind) {
    case "ack":
    case "id_drift":
    case "fail":
      return outcome;
    default:
      return { kind: "fail", text: "network: the peer's adapter answered nothing that is an outcome" };
  }
}
