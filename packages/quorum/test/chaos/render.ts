// SPDX-License-Identifier: Apache-2.0
import type { CampaignReport } from "./campaign.ts";
import { FAULT_LABELS } from "./fault.ts";
import type { ClassSummary } from "./judge.ts";

const COLUMNS = [
  "fault",
  "kind",
  "cycles",
  "confirmed",
  "writes",
  "ok",
  "quorum_not_met",
  "fail",
  "too_early",
  "under_replicated",
  "convergence_bound",
  "verdict",
] as const;

function cells(summary: ClassSummary): readonly string[] {
  return [
    summary.fault,
    summary.kind,
    String(summary.cycles),
    String(summary.faults_confirmed),
    String(summary.total_writes),
    String(summary.total_ok),
    String(summary.total_quorum_not_met),
    String(summary.total_fail),
    String(summary.too_early),
    String(summary.under_replicated),
    summary.convergence_bound.toFixed(3),
    summary.verdict,
  ];
}

/** The closing text: a table with a line for each class, what the classes were, reasons, and the verdict. */
export function renderReport({ classes, verdict }: CampaignReport): string {
  const rows = [COLUMNS, ...classes.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const words = classes.map(({ fault, kind }) => `${fault} (${kind}): ${FAULT_LABELS[fault].words}`);
  const refused = classes
    .filter((summary) => summary.total_quorum_not_met > 0)
    .map(({ fault, quorum_not_met_reasons: counts }) => {
      const each = Object.entries(counts).map(([reason, count]) => `${reason} ${count}`);
      return `quorum not met ${fault}: ${each.join(", ")}`;
    });
  const reasons = classes.flatMap(({ fault, reasons: all }) => all.map((reason) => `NOT MET ${fault}: ${reason}`));
  return `${[...table, "", ...words, ...refused, ...reasons, `verdict: ${verdict}`].join("\n")}\n`;
}
