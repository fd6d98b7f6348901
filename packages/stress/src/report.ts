// SPDX-License-Identifier: Apache-2.0
import { type CallCounts, type HistoryReport, toJson, type Violation } from "@tsoracle/conformance/checker";
import type { Freshness, RecoveryBounds } from "./drivers/stress-driver.ts";
import type { InjectedFault } from "./injected-fault.ts";
import type { MachineLoad } from "./machine-load.ts";
import type { FaultKind } from "./schedule.ts";
import { TICKS_PER_MS } from "./shared-clock.ts";
import { type FaultStretch, type Unavailability, unavailability } from "./unavailability.ts";

/** What a run was, and what came of it. Instants are of the shared clock. */
export interface RunFacts {
  readonly driver: string;
  readonly store: string;
  readonly servers: number;
  readonly tenureMs: number | undefined;
  readonly bounds: RecoveryBounds | undefined;
  readonly machine: MachineLoad;
  readonly freshness: Freshness;
  readonly tenureCheck: boolean;
  readonly injectViolation: boolean;
  readonly seed: number;
  readonly asked: readonly FaultKind[];
  /** First answer, and the end of the last call. */
  readonly begin: number;
  readonly end: number;
  /** In the order in which they were done. */
  readonly faults: readonly InjectedFault[];
  readonly history: HistoryReport;
  /** When answers came, rising: to clients that look for the leader themselves, and to anybody. */
  readonly ordinaryEnds: ArrayLike<number>;
  readonly allEnds: ArrayLike<number>;
  /** How many calls a server had been asked and had not answered at an instant. */
  readonly outstanding: (server: number, at: number) => number;
  /** Whether another server began to answer between two instants. */
  readonly overtaken: (server: number, from: number, to: number) => boolean;
  readonly errors: ReadonlyMap<string, number>;
  /** What else went wrong, in sentences. */
  readonly problems: readonly string[];
}

export interface ReportedFault extends Omit<InjectedFault, "at" | "endedAt" | "releasedAt"> {
  /** Since the first answer. */
  readonly atMs: number;
  readonly lastedMs: number;
  /** Only of a pause: calls that waited in the server when it woke up. */
  readonly outstanding?: number;
  /** Only of a pause: another server answered before this one woke up, which it had to find out. */
  readonly overtaken?: boolean;
}

/** Everything that is printed and written. */
export interface StressReport {
  readonly driver: string;
  readonly store: string;
  readonly servers: number;
  readonly tenureMs: number | undefined;
  readonly bounds: RecoveryBounds | undefined;
  readonly machine: MachineLoad;
  readonly freshness: Freshness;
  readonly tenureCheck: boolean;
  readonly injectViolation: boolean;
  readonly seed: number;
  readonly seconds: number;
  readonly calls: CallCounts;
  /** Calls without an answer, by who made them and code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly faults: readonly ReportedFault[];
  /** What clients went without that look for the leader themselves, and what everybody went without. */
  readonly unavailability: { readonly clients: readonly Unavailability[]; readonly anybody: readonly Unavailability[] };
  readonly duplicates: number;
  readonly regressions: number;
  readonly realTimeViolations: number;
  /** Of each kind the worst and the first few, each with the calls that prove it. */
  readonly evidence: readonly Violation[];
  /** Why the run proves nothing or something went wrong beside the history; empty for a good one. */
  readonly problems: readonly string[];
  readonly ok: boolean;
}

/** Fewer answers than this in a second, on average, are no evidence: most of the run would have been silence. */
const LEAST_ANSWERS_PER_SECOND = 20;

/** What a client found wrong by itself and kept from its caller: it is a violation all the same. */
const WITHHELD = /: (timestamp_regression|protocol_violation)$/;

export function buildReport(facts: RunFacts): StressReport {
  const { history, begin, end, faults } = facts;
  const seconds = (end - begin) / TICKS_PER_MS / 1_000;
  const withheld = [...facts.errors].reduce((sum, [name, count]) => (WITHHELD.test(name) ? sum + count : sum), 0);
  const stretches = stretchesOf(faults, end);
  const problems = [...facts.problems, ...lackingProof(facts, seconds)];
  return {
    driver: facts.driver,
    store: facts.store,
    servers: facts.servers,
    tenureMs: facts.tenureMs,
    bounds: facts.bounds,
    machine: facts.machine,
    freshness: facts.freshness,
    tenureCheck: facts.tenureCheck,
    injectViolation: facts.injectViolation,
    seed: facts.seed,
    seconds: Number(seconds.toFixed(1)),
    calls: history.calls,
    errors: Object.fromEntries([...facts.errors].sort(([, a], [, b]) => b - a)),
    faults: faults.map((fault) => reportedFault(fault, facts)),
    unavailability: {
      clients: unavailability(stretches, facts.ordinaryEnds, TICKS_PER_MS),
      anybody: unavailability(stretches, facts.allEnds, TICKS_PER_MS),
    },
    duplicates: history.duplicates.count,
    regressions: history.clientOrder.count + history.epochOrder.count + history.batchOrder.count + withheld,
    realTimeViolations: history.realTimeOrder.count,
    evidence: evidenceOf(history),
    problems,
    ok: history.ok && withheld === 0 && problems.length === 0,
  };
}

function reportedFault(fault: InjectedFault, { begin, outstanding, overtaken }: RunFacts): ReportedFault {
  const { at, endedAt, releasedAt, ...rest } = fault;
  const { server } = rest;
  const atMs = Math.round((at - begin) / TICKS_PER_MS);
  const lastedMs = Math.round((endedAt - at) / TICKS_PER_MS);
  if (releasedAt === undefined || server === undefined) return { ...rest, atMs, lastedMs };
  return {
    ...rest,
    atMs,
    lastedMs,
    outstanding: outstanding(server, releasedAt),
    overtaken: overtaken(server, at, releasedAt),
  };
}

/** A fault is answerable for the time until the next one, or until the run is over. */
function stretchesOf(faults: readonly InjectedFault[], end: number): FaultStretch[] {
  return faults.map(({ kind, target, at }, index) => ({ kind, target, from: at, to: faults[index + 1]?.at ?? end }));
}

function lackingProof(facts: RunFacts, seconds: number): string[] {
  const { faults, asked, history } = facts;
  const unconfirmed = faults.filter(({ isConfirmed }) => !isConfirmed);
  const missing = asked.filter((kind) => !faults.some((fault) => fault.kind === kind && fault.isConfirmed));
  const least = Math.ceil(LEAST_ANSWERS_PER_SECOND * seconds);
  return [
    ...unconfirmed.map(({ kind, place, evidence }) => `a ${kind} of ${place} is not confirmed: ${evidence}`),
    ...missing.map((kind) => `no ${kind} happened`),
    ...idlePauses(facts),
    ...(history.calls.ok < least ? [`only ${history.calls.ok} calls were answered, expected at least ${least}`] : []),
  ];
}

/** A server that wakes up could answer late only if it was asked, and wrongly only if another had taken its place. */
function idlePauses({ faults, servers, outstanding, overtaken }: RunFacts): string[] {
  const pauses = faults.flatMap(({ server, target, at, releasedAt }) =>
    server === undefined || releasedAt === undefined ? [] : [{ server, target, at, releasedAt }],
  );
  const unasked = pauses.filter(({ server, releasedAt }) => outstanding(server, releasedAt) === 0);
  const leaders = pauses.filter(({ target }) => target === "leader");
  const isReplaced = leaders.some(({ server, at, releasedAt }) => overtaken(server, at, releasedAt));
  return [
    ...unasked.map(({ server }) => `nobody was asking server ${server} when it woke up, so it could not answer late`),
    ...(servers > 1 && leaders.length > 0 && !isReplaced ? ["no paused leader had been replaced when it woke up"] : []),
  ];
}

function evidenceOf({ duplicates, clientOrder, epochOrder, batchOrder, realTimeOrder }: HistoryReport): Violation[] {
  return [duplicates, clientOrder, epochOrder, batchOrder, realTimeOrder].flatMap(({ worst, kept }) => {
    return worst === null ? [] : [worst, ...kept.filter((each) => !isSame(each, worst))];
  });
}

const isSame = (a: Violation, b: Violation): boolean => JSON.stringify(toJson(a)) === JSON.stringify(toJson(b));
