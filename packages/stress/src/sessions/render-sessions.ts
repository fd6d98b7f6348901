// SPDX-License-Identifier: Apache-2.0
import { lines, machineLine, number, section } from "../render-text.ts";
import { TICKS_PER_MS } from "../shared-clock.ts";
import type { SessionCall } from "./call.ts";
import type { KindCounts, SessionStressReport } from "./session-report.ts";
import type { SessionViolation } from "./session-violation.ts";

/** At most this many violations are printed; the JSON report holds all. */
const SHOWN = 6;

/** The report for people, in lines. */
export function renderSessionReport(report: SessionStressReport): string {
  const { calls, entries, continuity, silence, faults, violations, errors } = report;
  const confirmed = faults.filter(({ isConfirmed }) => isConfirmed).length;
  return lines([
    "",
    `sessions: ${report.sessions} on ${report.workers} worker(s), ${report.store}; ${report.seconds} s, seed ${report.seed}`,
    ...(report.fenceCheck ? [] : ["control: writes came in the name of whoever owned the session"]),
    ...(report.injectViolation ? ["control: an entry that was never written was recorded as acknowledged"] : []),
    "",
    `calls       ${outcomes("append", calls.append)}`,
    `            ${outcomes("open", calls.open)}`,
    `            ${outcomes("reopen", calls.reopen)}`,
    `            ${outcomes("takeover", calls.takeover)}`,
    `            ${outcomes("hand-off", calls.hand_off)}`,
    `entries     ${number(entries.total)} in the journals, ${number(entries.acknowledged)} acknowledged`,
    ...section(
      "errors",
      Object.entries(errors).map(([name, count]) => `${number(count)} ${name}`),
    ),
    `continuity  of takeovers and reopenings, budget ${continuity.budgetMs} ms: ${number(continuity.met)} met, ${number(continuity.notMet)} not met; ` +
      `median ${continuity.medianMs} ms, max ${continuity.maxMs} ms`,
    `silence     the longest of a session: median ${silence.medianMs} ms, max ${silence.maxMs} ms`,
    `faults      ${faults.length}, of which ${confirmed} confirmed`,
    ...pausesLine(report),
    machineLine(report.machine),
    `violations  ${number(violations.length)}${kindsOf(violations)}`,
    ...section("evidence", oneOfEachFirst(violations).slice(0, SHOWN).flatMap(proof)),
    ...section("problems", report.problems),
    "",
    verdict(report),
  ]);
}

const outcomes = (what: string, { ok, refused, unknown }: KindCounts): string =>
  `${what}: ${number(ok)} done, ${number(refused)} refused, ${number(unknown)} unknown`;

function pausesLine({ faults }: SessionStressReport): string[] {
  const pauses = faults.filter(({ kind }) => kind === "pause");
  if (pauses.length === 0) return [];
  const replaced = pauses.filter(({ isReplaced }) => isReplaced === true).length;
  const fenced = pauses.reduce((sum, { fencedAfterwards = 0 }) => sum + fencedAfterwards, 0);
  return [
    `            ${replaced} of ${pauses.length} paused workers had lost sessions when they woke up; ` +
      `${fenced} of their writes were refused`,
  ];
}

function kindsOf(violations: readonly SessionViolation[]): string {
  if (violations.length === 0) return "";
  const counts = new Map<string, number>();
  for (const { kind } of violations) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return `: ${[...counts].map(([kind, count]) => `${number(count)} ${kind}`).join(", ")}`;
}

function oneOfEachFirst(violations: readonly SessionViolation[]): readonly SessionViolation[] {
  const isFirst = (one: SessionViolation): boolean => violations.find(({ kind }) => kind === one.kind) === one;
  return [...violations.filter(isFirst), ...violations.filter((one) => !isFirst(one))];
}

function proof({ kind, session, message, calls }: SessionViolation): string[] {
  return [`${kind} of ${session}: ${message}`, ...calls.map((call) => `  ${callLine(call)}`)];
}

function callLine({ caller, kind, begin, end, entry, outcome }: SessionCall): string {
  const ms = (instant: number): string => (instant / TICKS_PER_MS).toFixed(3);
  const until = Number.isFinite(end) ? `to ${ms(end)} ms` : "on, until it was killed";
  const what = entry === undefined ? "" : ` of ${JSON.stringify(entry.text)}`;
  return `worker ${caller}, from ${ms(begin)} ${until}: ${kind}${what}: ${outcomeText(outcome)}`;
}

function outcomeText(outcome: SessionCall["outcome"]): string {
  switch (outcome.kind) {
    case "appended":
      return `acknowledged with number ${outcome.seq}`;
    case "owned":
      return `owns it with epoch ${outcome.epoch}`;
    case "released":
      return "released";
    case "refused":
    case "unknown":
      return `${outcome.kind}, ${outcome.code}`;
    default:
      return outcome satisfies never;
  }
}

function verdict({ ok, injectViolation, fenceCheck, violations }: SessionStressReport): string {
  if (ok && (injectViolation || !fenceCheck)) {
    return "BLIND this control should have broken a promise, and nothing was found";
  }
  if (ok) return "PASS  every call was judged, every fault was confirmed, and no promise was broken";
  return violations.length > 0
    ? "FAIL  the journals break a promise"
    : "FAIL  the journals are clean, and prove nothing: see problems";
}
