// SPDX-License-Identifier: Apache-2.0
import type { OkCall, Violation } from "@tsoracle/conformance/checker";
import { lines, machineLine, number, section } from "./render-text.ts";
import type { StressReport } from "./report.ts";
import { TICKS_PER_MS } from "./shared-clock.ts";
import type { Unavailability } from "./unavailability.ts";

/** At most this many violations are printed; the JSON report holds more. */
const SHOWN = 6;

/** The report for people, in lines. */
export function renderReport(report: StressReport): string {
  const { calls, seconds, errors } = report;
  const tenure =
    report.tenureMs === undefined ? "no tenure" : `tenure ${number(report.tenureMs)} ms, mode ${report.freshness}`;
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
    ...overtakenLine(report),
    ...section("unavailable to clients", report.unavailability.clients.map(costLine)),
    ...section("unavailable to anybody", report.unavailability.anybody.map(costLine)),
    ...boundsLine(report),
    machineLine(report.machine),
    `violations  ${report.duplicates} duplicates, ${report.regressions} regressions, ` +
      `${report.realTimeViolations} real-time violations`,
    ...section("evidence", report.evidence.slice(0, SHOWN).flatMap(proof)),
    ...section("problems", report.problems),
    "",
    verdict(report),
  ]);
}

function overtakenLine({ faults }: StressReport): string[] {
  const pauses = faults.filter(({ kind, target }) => kind === "pause" && target === "leader");
  const replaced = pauses.filter(({ overtaken }) => overtaken === true).length;
  return pauses.length === 0
    ? []
    : [`            ${replaced} of ${pauses.length} paused leaders had been replaced when they woke up`];
}

function boundsLine({ bounds, freshness }: StressReport): string[] {
  if (bounds === undefined || freshness !== "lease") return [];
  return [
    `bounds      ${bounds.crashMs} ms after a crash of the leader, ${bounds.handOverMs} ms after its orderly end`,
  ];
}

function verdict(report: StressReport): string {
  const isControl = report.injectViolation || !report.tenureCheck;
  if (report.ok && isControl) return "BLIND this control should have broken a promise, and nothing was found";
  if (report.ok) return "PASS  every call was judged, every fault was confirmed, and no promise was broken";
  const violations = report.duplicates + report.regressions + report.realTimeViolations;
  return violations > 0
    ? "FAIL  the history breaks a promise"
    : "FAIL  the history is clean, and proves nothing: see problems";
}

function costLine({ kind, target, eachMs, medianMs, maxMs }: Unavailability): string {
  const what = target === "store" ? kind : `${kind} of a ${target}`;
  return `${what}: ${eachMs.join(", ")} ms; median ${medianMs}, max ${maxMs}`;
}

/** What is wrong, and the calls that prove it. */
function proof(violation: Violation): string[] {
  switch (violation.kind) {
    case "duplicate": {
      const { lower, upper, first, count } = violation;
      return [
        `duplicate: both calls hold ${first}${count > 1n ? ` and ${count - 1n} more` : ""}`,
        ...calls(lower, upper),
      ];
    }
    case "client_order":
    case "epoch_order":
    case "real_time_order": {
      const { kind, before, after, behind } = violation;
      return [`${kind}: the second call had to be above the first, and is ${behind} behind`, ...calls(before, after)];
    }
    case "batch_order":
      return [`batch_order: timestamp ${violation.at} of the batch is out of place`, ...calls(violation.call)];
    default:
      return violation satisfies never;
  }
}

function calls(...proving: readonly OkCall[]): string[] {
  return proving.map(({ client, begin, end, outcome: { first, count, epoch } }) => {
    const [from, to] = [begin, end].map((instant) => (Number(instant) / TICKS_PER_MS).toFixed(3));
    return `  ${client}, from ${from} to ${to} ms: ${count} from ${first}, epoch ${epoch}`;
  });
}
