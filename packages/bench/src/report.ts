// SPDX-License-Identifier: Apache-2.0
import type { CaseResult, Sample } from "./measure.ts";

const metricNames = { p50: "median latency", p99: "p99 latency", rate: "timestamps per second" } as const;

function row(label: string, sample: Sample): string {
  const cells = [
    label,
    Math.round(sample.rate).toLocaleString("en"),
    sample.p50.toFixed(0),
    sample.p99.toFixed(0),
    sample.clientCpu.toFixed(2),
    sample.serverCpu.toFixed(2),
    sample.persists.toFixed(0),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** One case as Markdown: both sides, then the ratio that counts. */
export function renderCase(result: CaseResult): string {
  const [low, high] = result.ratioRange;
  return [
    `### ${result.name}: ${result.title}`,
    "",
    "| side | per s | p50 µs | p99 µs | client CPU µs/op | server CPU µs/op | store writes |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    row(result.subject.label, result.subject),
    row(result.baseline.label, result.baseline),
    "",
    `Ratio of ${metricNames[result.metric]}, ${result.subject.label} ÷ ${result.baseline.label}: ` +
      `**${result.ratio.toFixed(2)}** (${low.toFixed(2)} to ${high.toFixed(2)} over ${result.runs} paired runs; goal: ${result.goal}).`,
    "",
  ].join("\n");
}
