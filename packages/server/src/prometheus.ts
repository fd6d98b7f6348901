// SPDX-License-Identifier: Apache-2.0
import type { DriverMetric } from "@tsoracle/consensus";
import { Counter, Histogram, Registry } from "prom-client";
import { COUNTERS, type CounterName, HISTOGRAMS, type HistogramName, type ServerMetrics } from "./metrics.ts";

/** A Prometheus name: dots become underscores. */
export function prometheusName(name: string): string {
  return name.replaceAll(".", "_");
}

/**
 * The metrics of a server as a prom-client registry, for a metrics endpoint that exists already.
 * Counters are read when the registry is; histograms hold what was observed since this call.
 */
export function prometheusRegistry(metrics: ServerMetrics): Registry {
  const registry = new Registry();
  for (const [name, help] of Object.entries(COUNTERS)) {
    new Counter({
      name: prometheusName(name),
      help,
      registers: [registry],
      collect(): void {
        this.reset();
        this.inc(metrics.count(name as CounterName));
      },
    });
  }
  const histograms = new Map<HistogramName, Histogram>();
  for (const [name, { help, buckets }] of Object.entries(HISTOGRAMS)) {
    const histogram = new Histogram({ name: prometheusName(name), help, buckets: [...buckets], registers: [registry] });
    histograms.set(name as HistogramName, histogram);
  }
  metrics.onObservation((name, value) => histograms.get(name)?.observe(value));
  return registry;
}

/** What a driver tells of itself, in the text form of Prometheus; empty for nothing. */
export function driverMetricsText(metrics: readonly DriverMetric[]): string {
  return metrics
    .map(({ name, help, kind, value }) => {
      const known = prometheusName(name);
      return `\n# HELP ${known} ${help}\n# TYPE ${known} ${kind}\n${known} ${value}\n`;
    })
    .join("");
}
