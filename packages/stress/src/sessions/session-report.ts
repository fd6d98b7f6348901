// SPDX-License-Identifier: Apache-2.0
import type { MachineLoad } from "../machine-load.ts";
import { TICKS_PER_MS } from "../shared-clock.ts";
import { median } from "../unavailability.ts";
import type { CallKind, ReportedContinuity, SessionCall } from "./call.ts";
import { CONTINUITY_BUDGET_MS } from "./continuity-budget.ts";
import type { SessionFault } from "./session-fault.ts";
import type { SessionStressOptions } from "./session-options.ts";
import type { SessionViolation } from "./session-violation.ts";

/** What a run was, and what came of it. Instants are of the shared clock. */
export interface SessionRunFacts {
  readonly options: SessionStressOptions;
  readonly store: string;
  readonly workers: number;
  readonly machine: MachineLoad;
  /** From the first entry of every session to the last fault's end. */
  readonly begin: number;
  readonly end: number;
  readonly faults: readonly SessionFault[];
  readonly calls: readonly SessionCall[];
  readonly violations: readonly SessionViolation[];
  /** In all journals together, when all was over. */
  readonly entries: number;
  readonly problems: readonly string[];
}

export interface KindCounts {
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
}

export interface ReportedSessionFault extends Omit<SessionFault, "at" | "endedAt" | "releasedAt"> {
  readonly atMs: number;
  readonly lastedMs: number;
  /** Only of a pause: appends of the worker that were refused as fenced after it woke up. */
  readonly fencedAfterwards?: number;
}

/** Everything that is printed and written. */
export interface SessionStressReport {
  readonly driver: "sessions";
  readonly store: string;
  readonly storeName: string;
  readonly workers: number;
  readonly sessions: number;
  readonly seed: number;
  readonly seconds: number;
  readonly fenceCheck: boolean;
  readonly injectViolation: boolean;
  readonly machine: MachineLoad;
  readonly calls: Readonly<Record<CallKind, KindCounts>>;
  /** Entries that are in the journals; those that were not acknowledged are of appends with an unknown outcome. */
  readonly entries: { readonly total: number; readonly acknowledged: number };
  /** Calls that were refused or whose outcome is unknown, by kind and code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of takeovers and of sessions that their own worker opened again. */
  readonly continuity: {
    readonly budgetMs: number;
    readonly met: number;
    readonly notMet: number;
    readonly medianMs: number;
    readonly maxMs: number;
  };
  /** Longest time that a session took no entry: of the session in the middle, and of the worst. */
  readonly silence: { readonly medianMs: number; readonly maxMs: number };
  readonly faults: readonly ReportedSessionFault[];
  readonly violations: readonly SessionViolation[];
  /** Why the run proves nothing or something went wrong beside the history; empty for a good one. */
  readonly problems: readonly string[];
  readonly ok: boolean;
}

export function buildSessionReport(facts: SessionRunFacts): SessionStressReport {
  const { options, calls, violations, begin, end } = facts;
  const faults = facts.faults.map((fault) => reportedFault(fault, facts));
  const counts = countCalls(calls);
  const problems = [...facts.problems, ...lackingProof(facts, faults, counts)];
  return {
    driver: "sessions",
    store: facts.store,
    storeName: options.store.name,
    workers: facts.workers,
    sessions: options.sessions,
    seed: options.seed,
    seconds: Number(((end - begin) / TICKS_PER_MS / 1_000).toFixed(1)),
    fenceCheck: options.fenceCheck,
    injectViolation: options.injectViolation,
    machine: facts.machine,
    calls: counts,
    entries: { total: facts.entries, acknowledged: counts.append.ok },
    errors: countErrors(calls),
    continuity: summarize(calls),
    silence: silenceOf(calls, begin, end),
    faults,
    violations,
    problems,
    ok: violations.length === 0 && problems.length === 0,
  };
}

function reportedFault(fault: SessionFault, { begin, calls }: SessionRunFacts): ReportedSessionFault {
  const { at, endedAt, releasedAt, ...rest } = fault;
  const times = {
    atMs: Math.round((at - begin) / TICKS_PER_MS),
    lastedMs: Math.round((endedAt - at) / TICKS_PER_MS),
  };
  if (releasedAt === undefined) return { ...rest, ...times };
  const fencedAfterwards = calls.filter(
    ({ caller, kind, end, outcome }) =>
      caller === fault.caller &&
      kind === "append" &&
      end > releasedAt &&
      outcome.kind === "refused" &&
      outcome.code === "fenced",
  ).length;
  return { ...rest, ...times, fencedAfterwards };
}

function countCalls(calls: readonly SessionCall[]): Record<CallKind, KindCounts> {
  const count = (kind: CallKind): KindCounts => {
    const own = calls.filter((call) => call.kind === kind);
    const refused = own.filter(({ outcome }) => outcome.kind === "refused").length;
    const unknown = own.filter(({ outcome }) => outcome.kind === "unknown").length;
    return { ok: own.length - refused - unknown, refused, unknown };
  };
  return {
    append: count("append"),
    open: count("open"),
    reopen: count("reopen"),
    takeover: count("takeover"),
    hand_off: count("hand_off"),
  };
}

function countErrors(calls: readonly SessionCall[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { kind, outcome } of calls) {
    if (outcome.kind !== "refused" && outcome.kind !== "unknown") continue;
    const name = `${kind}: ${outcome.code}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function summarize(calls: readonly SessionCall[]): SessionStressReport["continuity"] {
  const reported = calls.flatMap(({ kind, outcome }): ReportedContinuity[] => {
    const isFailover = kind === "takeover" || kind === "reopen";
    return isFailover && outcome.kind === "owned" && outcome.continuity !== undefined ? [outcome.continuity] : [];
  });
  const latencies = reported.map(({ latencyMs }) => latencyMs);
  const met = reported.filter((each) => each.met).length;
  return {
    budgetMs: CONTINUITY_BUDGET_MS,
    met,
    notMet: reported.length - met,
    medianMs: latencies.length === 0 ? 0 : Math.round(median(latencies)),
    maxMs: latencies.reduce((most, each) => Math.max(most, each), 0),
  };
}

function silenceOf(calls: readonly SessionCall[], begin: number, end: number): SessionStressReport["silence"] {
  const latest = new Map<string, number>();
  const longest = new Map<string, number>();
  const hear = (session: string, at: number): void => {
    const gap = at - (latest.get(session) ?? begin);
    longest.set(session, Math.max(gap, longest.get(session) ?? 0));
    latest.set(session, at);
  };
  const heard = calls.filter(({ outcome, end: at }) => outcome.kind === "appended" && at >= begin && at <= end);
  for (const call of [...heard].sort((a, b) => a.end - b.end)) hear(call.session, call.end);
  for (const session of [...latest.keys()]) hear(session, end);
  const inMs = [...longest.values()].map((gap) => Math.round(gap / TICKS_PER_MS));
  return { medianMs: inMs.length === 0 ? 0 : Math.round(median(inMs)), maxMs: Math.max(0, ...inMs) };
}

function lackingProof(
  { options, workers }: SessionRunFacts,
  faults: readonly ReportedSessionFault[],
  { append, takeover }: Readonly<Record<CallKind, KindCounts>>,
): string[] {
  const { faults: asked, sessions, fenceCheck } = options;
  const unconfirmed = faults.filter(({ isConfirmed }) => !isConfirmed);
  const missing = asked.filter((kind) => !faults.some((fault) => fault.kind === kind && fault.isConfirmed));
  const pauses: readonly ReportedSessionFault[] = workers > 1 ? faults.filter(({ kind }) => kind === "pause") : [];
  const problems = [
    ...unconfirmed.map(({ kind, place, evidence }) => `a ${kind} of ${place} is not confirmed: ${evidence}`),
    ...missing.map((kind) => `no ${kind} happened`),
  ];
  // Each was served before the first fault and after the last one.
  const least = 2 * sessions;
  if (append.ok < least) problems.push(`only ${append.ok} entries were acknowledged, expected at least ${least}`);
  if (pauses.length > 0 && takeover.ok === 0) problems.push("no session was taken over");
  if (pauses.length > 0 && !pauses.some(({ isReplaced }) => isReplaced === true)) {
    problems.push("no paused worker had lost a session when it woke up");
  }
  if (fenceCheck && pauses.length > 0 && !pauses.some(({ fencedAfterwards = 0 }) => fencedAfterwards > 0)) {
    problems.push("no paused worker tried to write to a session that it had lost, so nothing was refused");
  }
  return problems;
}
