// SPDX-License-Identifier: Apache-2.0
import type { Json } from "@tsoracle/conformance/checker";
import type { StressReport } from "./report.ts";
import type { Unavailability } from "./unavailability.ts";

const number = (value: number): string => value.toLocaleString("en-US");

/** At most this many violations are printed; the JSON report holds more. */
const SHOWN = 6;

/** The report for people, in lines. */
export function renderReport(report: StressReport): string {
  const { calls, seconds, errors } = report;
  const tenure = report.tenureMs === undefined ? "no tenure" : `tenure ${number(report.tenureMs)} ms`;
  return lines([
    "",
    `${report.driver}: ${report.servers} server(s), ${report.store}; ${tenure}; ${seconds} s, seed ${report.seed}`,
    ...(report.tenureCheck ? [] : ["control: the servers did not look at their tenure"]),
    ...(report.injectViolation ? ["control: one recorded answer was corrupted on purpose"] : []),
    "",
    `calls       ${number(calls.total)}: ${number(calls.ok)} answered with ${number(calls.timestamps)} timestamps, ` +
      `${number(calls.failed)} refused, ${number(calls.unknown)} without an answer; ` +
      `${calls.clients} callers, ${calls.epochs} epochs`,
    ...section(
      "errors",
      Object.entries(errors).map(([name, count]) => `${number(count)} ${name}`),
    ),
    `faults      ${report.faults.length}, of which ${report.faults.filter(({ isConfirmed }) => isConfirmed).length} confirmed`,
    ...section("unavailable to clients", report.unavailability.clients.map(costLine)),
    ...section("unavailable to anybody", report.unavailability.anybody.map(costLine)),
    `violations  ${report.duplicates} duplicates, ${report.regressions} regressions, ` +
      `${report.realTimeViolations} real-time violations`,
    ...section("evidence", report.evidence.slice(0, SHOWN).map(proof)),
    ...section("problems", report.problems),
    "",
    verdict(report),
  ]);
}

function verdict(report: StressReport): string {
  if (report.ok) return "PASS  every call was judged, every fault was confirmed, and no promise was broken";
  const violations = report.duplicates + report.regressions + report.realTimeViolations;
  return violations > 0
    ? "FAIL  the history breaks a promise"
    : "FAIL  the history is clean, and proves nothing: see problems";
}

function costLine({ kind, target, eachMs, medianMs, maxMs }: Unavailability): string {
  return `${kind} of a ${target}: ${eachMs.join(", ")} ms; median ${medianMs}, max ${maxMs}`;
}

/** One line: what is wrong, and both calls. */
function proof(violation: Json): string {
  return JSON.stringify(violation);
}

function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [title, ...items.map((item) => `  ${item}`)];
}

const lines = (items: readonly string[]): string => items.map((item) => `${item}\n`).join("");
