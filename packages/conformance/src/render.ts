// SPDX-License-Identifier: Apache-2.0
import { CLAUSES, clauseIds } from "./catalogue.ts";
import type { ClauseResult, Report } from "./report.ts";
import { OUTCOMES, type Outcome } from "./verdict.ts";

/** One report as JSON with a line break at the end. */
export function renderJson(report: Report | readonly Report[]): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** One report as lines for a terminal: a line per clause, then the counts. */
export function renderReport(report: Report): string {
  const width = Math.max(...report.results.map(({ id }) => id.length));
  const lines = report.results.map((result) => renderLine(result, width));
  const counts = OUTCOMES.map((outcome) => `${report.counts[outcome]} ${outcome}`).join(", ");
  const verdict = report.ok ? "conforms" : "does NOT conform";
  return `${lines.join("\n")}\n\n${report.subject} ${verdict} (seed ${report.seed}): ${counts}\n`;
}

function renderLine({ id, outcome, green, detail }: ClauseResult, width: number): string {
  const line = `${green ? " " : "!"} ${id.padEnd(width)}  ${outcome}`;
  return detail === "" ? line : `${line}  ${detail}`;
}

/** Clauses × subjects as a Markdown table, with capabilities before it and every reason after it. */
export function renderMarkdown(reports: readonly Report[]): string {
  const parts = [capabilityTable(reports), clauseTable(reports), reasonTable(reports), waiverTable(reports)];
  return parts.filter((part) => part !== "").join("\n");
}

/** Every clause as a Markdown table: id, what holds, and what it takes to exercise it. */
export function renderClauses(): string {
  const rows = clauseIds.map((id) => {
    const { sentence, needs, uses = [], nodes = 1 } = CLAUSES[id];
    const extras = [...needs, ...uses.map((fault) => `(${fault})`), ...(nodes > 1 ? [`${nodes} nodes`] : [])];
    return [`\`${id}\``, sentence, extras.join(", ")];
  });
  return table(["clause", "what holds", "needs (uses)"], rows);
}

function capabilityTable(reports: readonly Report[]): string {
  const rows: (readonly [string, (report: Report) => string])[] = [
    ["durability", ({ capabilities }) => capabilities.durability],
    ["topology", ({ capabilities }) => capabilities.topology],
    ["real-time order", ({ capabilities }) => capabilities.realTimeOrder],
    ["sequences", ({ capabilities }) => (capabilities.sequences ? "yes" : "no")],
    ["leases", ({ capabilities }) => (capabilities.leases ? "yes" : "no")],
    ["membership", ({ capabilities }) => (capabilities.membership ? "yes" : "no")],
    ["nodes in the test", ({ nodes }) => String(nodes)],
    ["faults in the test", ({ faults }) => (faults.length === 0 ? "none" : faults.join(", "))],
  ];
  return table(
    ["capability", ...reports.map(({ subject }) => subject)],
    rows.map(([name, value]) => [name, ...reports.map(value)]),
  );
}

function clauseTable(reports: readonly Report[]): string {
  const byId = reports.map(({ results }) => new Map(results.map((result) => [result.id, result.outcome])));
  const rows = clauseIds.map((id) => [
    `\`${id}\``,
    CLAUSES[id].sentence,
    ...byId.map((outcomes) => symbol(outcomes.get(id))),
  ]);
  return table(["clause", "what holds", ...reports.map(({ subject }) => subject)], rows);
}

/** How the table shows an outcome; bold is what fails a run. */
function symbol(outcome: Outcome | undefined): string {
  switch (outcome) {
    case undefined:
      return "not run";
    case "fail":
    case "gap-closed":
      return `**${outcome}**`;
    case "pass":
    case "gap-confirmed":
    case "not-applicable":
    case "unexercised":
      return outcome;
    default:
      return outcome satisfies never;
  }
}

function reasonTable(reports: readonly Report[]): string {
  const rows = reports.flatMap(({ subject, results }) =>
    results
      .filter(({ detail }) => detail !== "")
      .map(({ id, outcome, detail }) => [subject, `\`${id}\``, outcome, detail]),
  );
  return rows.length === 0 ? "" : table(["driver", "clause", "outcome", "reason"], rows);
}

function waiverTable(reports: readonly Report[]): string {
  const rows = reports.flatMap(({ subject, waivers }) =>
    Object.entries(waivers).map(([fault, reason]) => [subject, `\`${fault}\``, reason]),
  );
  return rows.length === 0 ? "" : table(["driver", "fault not injected", "reason"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
}
