// SPDX-License-Identifier: Apache-2.0

const counters = {
  "tsoracle.get_ts.requests.total": "timestamp requests with a count of at least 1, unary and streamed",
  "tsoracle.get_ts.success.total": "timestamp requests answered with timestamps",
  "tsoracle.get_ts.timestamps_issued": "timestamps handed out",
  "tsoracle.get_seq.requests.total": "sequence requests",
  "tsoracle.get_seq.success.total": "sequence requests answered with values",
  "tsoracle.get_seq.values_issued": "sequence values handed out",
  "tsoracle.get_seq.cardinality_rejected.total": "sequence requests refused because the store holds too many keys",
  "tsoracle.get_seq.batch.requests.total": "sequence batch requests",
  "tsoracle.get_seq.batch.success.total": "sequence batch requests answered with values",
  "tsoracle.get_seq.batch.values_issued": "sequence values handed out in batches",
  "tsoracle.get_seq.batch.cardinality_rejected.total":
    "sequence batch requests refused because the store holds too many keys",
  "tsoracle.lease.acquire.requests.total": "lease acquisitions asked for",
  "tsoracle.lease.acquire.success.total": "lease acquisitions granted, repeated ones included",
  "tsoracle.lease.renew.requests.total": "lease renewals asked for",
  "tsoracle.lease.renew.success.total": "lease renewals granted",
  "tsoracle.lease.release.requests.total": "lease releases asked for",
  "tsoracle.not_leader.total": "answers with the status NOT_LEADER",
  "tsoracle.leader_transition.total": "leadership items seen",
  "tsoracle.leader_transition.fence_transient_retries.total": "retries while taking up leadership",
  "tsoracle.window.extensions.total": "window extensions that were persisted",
  "tsoracle.window.extensions.ignored.not_leader.total": "persisted extensions dropped because the reign was over",
  "tsoracle.window.extensions.ignored.epoch_mismatch.total": "persisted extensions dropped because the reign changed",
  "tsoracle.window.extensions.ignored.not_advanced.total": "persisted extensions that did not raise the high-water",
  "tsoracle.shutdown.watch_aborted.total": "shutdowns that broke off the leadership watch after the grace period",
  "tsoracle.heartbeat.task_panicked.total": "heartbeats that failed",
} as const;

export type CounterName = keyof typeof counters;

/** Every counter, under its exact name (`tsoracle-behaviour.md` 3.8), with what it counts. */
export const COUNTERS: Readonly<Record<CounterName, string>> = Object.freeze(counters);

const histograms = {
  "tsoracle.leader_transition.fence_latency": {
    help: "seconds from a leadership item to serving",
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10],
  },
  "tsoracle.window.extension_latency": {
    help: "seconds that persisting an extension took",
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  },
  "tsoracle.get_seq.batch.keys": {
    help: "keys per sequence batch",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
  },
} as const;

export type HistogramName = keyof typeof histograms;

/** What a histogram is for, and the upper bounds of its buckets. */
export interface HistogramShape {
  readonly help: string;
  readonly buckets: readonly number[];
}

/** Every histogram, under its exact name. */
export const HISTOGRAMS: Readonly<Record<HistogramName, HistogramShape>> = Object.freeze(histograms);

/** Number and sum of what a histogram has seen. */
export interface HistogramTotals {
  readonly count: number;
  readonly sum: number;
}

export interface MetricsSnapshot {
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly histograms: Readonly<Record<HistogramName, HistogramTotals>>;
}

type Observer = (name: HistogramName, value: number) => void;

/**
 * The counters and histograms of one server, without labels and without a vendor. Read them with
 * {@link ServerMetrics.snapshot}, or hand them to `prometheusRegistry`.
 */
export class ServerMetrics {
  readonly #counters = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0])) as Record<
    CounterName,
    number
  >;
  readonly #histograms = Object.fromEntries(
    Object.keys(HISTOGRAMS).map((name) => [name, { count: 0, sum: 0 }]),
  ) as Record<HistogramName, { count: number; sum: number }>;
  readonly #observers = new Set<Observer>();

  /** Adds to a counter. */
  add(name: CounterName, amount = 1): void {
    this.#counters[name] += amount;
  }

  /** The value of a counter now. */
  count(name: CounterName): number {
    return this.#counters[name];
  }

  /** Records one value of a histogram. */
  observe(name: HistogramName, value: number): void {
    const totals = this.#histograms[name];
    totals.count += 1;
    totals.sum += value;
    for (const observer of this.#observers) observer(name, value);
  }

  /** Calls `observer` with every value recorded from now on; returns how to stop it. */
  onObservation(observer: Observer): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** A copy of everything. */
  snapshot(): MetricsSnapshot {
    return {
      counters: { ...this.#counters },
      histograms: Object.fromEntries(
        Object.entries(this.#histograms).map(([name, totals]) => [name, { ...totals }]),
      ) as Record<HistogramName, HistogramTotals>,
    };
  }
}
