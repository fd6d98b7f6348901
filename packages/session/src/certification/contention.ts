// SPDX-License-Identifier: Apache-2.0
import { fieldsSignature, markdownTable } from "./report-text.ts";

/** The scenarios of the contention runs (M37). Source: `fencing-quorum-sessions.md` 4.8. */
export type ContentionScenario =
  | "ownership_fencing_contention"
  | "lease_renewal_contention"
  | "takeover_queue_retry_pressure"
  | "checkpoint_replay_windows";

export const CONTENTION_SCENARIOS: readonly ContentionScenario[] = Object.freeze([
  "ownership_fencing_contention",
  "lease_renewal_contention",
  "takeover_queue_retry_pressure",
  "checkpoint_replay_windows",
]);

export interface ContentionMetrics {
  /** Claims that were refused, for whichever reason. */
  readonly ownershipConflicts: number;
  readonly splitBrainRejections: number;
  readonly staleOwnerRejections: number;
  readonly invalidTokenRejections: number;
  readonly takeoverSuccesses: number;
  /** From the wish to renew to the answer, nearest rank. */
  readonly leaseWindowP95Ms: number;
  /** Most renewals that waited at one time. */
  readonly leaseQueuePeak: number;
  /** Most takeovers that waited at one time. */
  readonly takeoverQueuePeak: number;
  readonly retryAttempts: number;
  /** Most entries that stood after the last snapshot. */
  readonly checkpointWindowEvents: number;
  /** Longest time between the last snapshot and a crash, which recovery had to replay. */
  readonly replayWindowMs: number;
}

export interface ContentionBudget {
  readonly scenario: ContentionScenario;
  readonly maxLeaseWindowP95Ms: number;
  readonly maxCheckpointWindowEvents: number;
  readonly maxReplayWindowMs: number;
  /** Of both queues. */
  readonly maxQueueDepth: number;
  readonly maxRetryAttempts: number;
}

/** What one evaluation of a scenario counted, and which of its facts did not hold. */
export interface ContentionRun {
  readonly metrics: ContentionMetrics;
  readonly brokenFacts: readonly string[];
}

export interface ContentionOutcome {
  readonly scenario: ContentionScenario;
  /** Both evaluations kept the invariants, and all budgets. */
  readonly passed: boolean;
  readonly deterministic: boolean;
  readonly metrics: ContentionMetrics;
  readonly brokenInvariants: readonly string[];
  /** Each as `<scenario>:<metric>`. */
  readonly brokenBudgets: readonly string[];
}

export interface ContentionReport {
  readonly outcomes: readonly ContentionOutcome[];
  /** Scenarios that did not pass, and those that nobody ran. */
  readonly failedScenarios: readonly ContentionScenario[];
  readonly nondeterministicFailures: readonly ContentionScenario[];
  /** Each as `<scenario>: <what should have held>`. */
  readonly invariantFailures: readonly string[];
  /** Each as `<scenario>:<metric>`. */
  readonly failedBudgets: readonly string[];
}

/** What each scenario must have produced; one that met no contention has shown nothing. */
const MUST_SHOW: Readonly<Record<ContentionScenario, readonly (keyof ContentionMetrics)[]>> = {
  ownership_fencing_contention: [
    "splitBrainRejections",
    "staleOwnerRejections",
    "invalidTokenRejections",
    "takeoverSuccesses",
  ],
  lease_renewal_contention: ["leaseQueuePeak", "leaseWindowP95Ms"],
  takeover_queue_retry_pressure: ["takeoverQueuePeak", "retryAttempts", "takeoverSuccesses"],
  checkpoint_replay_windows: ["checkpointWindowEvents", "replayWindowMs"],
};

/** What is wrong with the numbers themselves, whatever the budget. */
export function contentionInvariants(scenario: ContentionScenario, metrics: ContentionMetrics): readonly string[] {
  const { ownershipConflicts, splitBrainRejections, staleOwnerRejections, invalidTokenRejections } = metrics;
  const broken = Object.entries(metrics)
    .filter(([, value]) => !(Number.isFinite(value) && value >= 0))
    .map(([name, value]) => `${name} is a measure, not ${value}`);
  if (ownershipConflicts !== splitBrainRejections + staleOwnerRejections + invalidTokenRejections) {
    broken.push("every conflict is a split brain, a stale owner or an invalid token");
  }
  for (const name of MUST_SHOW[scenario]) if (!(metrics[name] > 0)) broken.push(`${name} is above 0`);
  return broken;
}

/** The metrics that are over budget. What cannot be compared is over it. */
export function brokenBudgets(
  metrics: ContentionMetrics,
  budget: ContentionBudget,
): readonly (keyof ContentionMetrics)[] {
  const limits: readonly [keyof ContentionMetrics, number][] = [
    ["leaseWindowP95Ms", budget.maxLeaseWindowP95Ms],
    ["leaseQueuePeak", budget.maxQueueDepth],
    ["takeoverQueuePeak", budget.maxQueueDepth],
    ["retryAttempts", budget.maxRetryAttempts],
    ["checkpointWindowEvents", budget.maxCheckpointWindowEvents],
    ["replayWindowMs", budget.maxReplayWindowMs],
  ];
  return limits.filter(([name, most]) => !(metrics[name] <= most)).map(([name]) => name);
}

/** The outcome of a scenario that was evaluated twice, by its budget. Both evaluations must keep it. */
export function contentionOutcome(
  budget: ContentionBudget,
  first: ContentionRun,
  second: ContentionRun,
): ContentionOutcome {
  const { scenario } = budget;
  const unique = (names: readonly string[]): readonly string[] => Object.freeze([...new Set(names)]);
  const invariants = unique(
    [first, second].flatMap((run) => [...run.brokenFacts, ...contentionInvariants(scenario, run.metrics)]),
  );
  const budgets = unique(
    [first, second].flatMap((run) => brokenBudgets(run.metrics, budget)).map((name) => `${scenario}:${name}`),
  );
  return Object.freeze({
    scenario,
    passed: invariants.length === 0 && budgets.length === 0,
    deterministic: runSignature(first) === runSignature(second),
    metrics: Object.freeze({ ...first.metrics }),
    brokenInvariants: invariants,
    brokenBudgets: budgets,
  });
}

/** All outcomes together. What was not run has failed. */
export function contentionReport(outcomes: readonly ContentionOutcome[]): ContentionReport {
  const of = (scenario: ContentionScenario): readonly ContentionOutcome[] =>
    outcomes.filter((outcome) => outcome.scenario === scenario);
  return Object.freeze({
    outcomes: Object.freeze([...outcomes]),
    failedScenarios: CONTENTION_SCENARIOS.filter(
      (scenario) => of(scenario).length === 0 || of(scenario).some(({ passed }) => !passed),
    ),
    nondeterministicFailures: CONTENTION_SCENARIOS.filter((scenario) =>
      of(scenario).some(({ deterministic }) => !deterministic),
    ),
    invariantFailures: outcomes.flatMap(({ scenario, brokenInvariants }) =>
      brokenInvariants.map((fact) => `${scenario}: ${fact}`),
    ),
    failedBudgets: outcomes.flatMap((outcome) => outcome.brokenBudgets),
  });
}

/**
 * Whether a report lets a release through.
 *
 * @param allowNondeterminism for runs against real stores, whose times differ from run to run
 */
export function contentionPassed(report: ContentionReport, allowNondeterminism = false): boolean {
  return report.failedScenarios.length === 0 && (allowNondeterminism || report.nondeterministicFailures.length === 0);
}

/** `<metric>=…|…` with the names of `fencing-quorum-sessions.md` 4.8, in their order. */
export function contentionMetricsSignature(metrics: ContentionMetrics): string {
  return fieldsSignature({
    ownership_conflicts: metrics.ownershipConflicts,
    split_brain_rejections: metrics.splitBrainRejections,
    stale_owner_rejections: metrics.staleOwnerRejections,
    invalid_token_rejections: metrics.invalidTokenRejections,
    takeover_successes: metrics.takeoverSuccesses,
    lease_window_p95_ms: metrics.leaseWindowP95Ms,
    lease_queue_peak: metrics.leaseQueuePeak,
    takeover_queue_peak: metrics.takeoverQueuePeak,
    retry_attempts: metrics.retryAttempts,
    checkpoint_window_events: metrics.checkpointWindowEvents,
    replay_window_ms: metrics.replayWindowMs,
  });
}

/** One line per outcome, then the failures. Equal reports have equal signatures. */
export function contentionReportSignature(report: ContentionReport): string {
  const lines = report.outcomes.map(({ scenario, passed, deterministic, metrics }) => {
    const head = fieldsSignature({ scenario, passed, deterministic });
    return `${head}|${contentionMetricsSignature(metrics)}`;
  });
  const { failedScenarios, nondeterministicFailures, invariantFailures, failedBudgets } = report;
  const failures = fieldsSignature({
    failed: failedScenarios.join(" "),
    nondeterministic: nondeterministicFailures.join(" "),
    invariants: invariantFailures.join(" "),
    budgets: failedBudgets.join(" "),
  });
  return [...lines, failures].join("\n");
}

/** The report for people. */
export function contentionReportMarkdown(report: ContentionReport): string {
  const rows = report.outcomes.map(({ scenario, passed, metrics, brokenInvariants, brokenBudgets: over }) => [
    scenario,
    passed ? "passed" : "**failed**",
    metrics.ownershipConflicts,
    metrics.takeoverSuccesses,
    tenths(metrics.leaseWindowP95Ms),
    Math.max(metrics.leaseQueuePeak, metrics.takeoverQueuePeak),
    metrics.retryAttempts,
    metrics.checkpointWindowEvents,
    tenths(metrics.replayWindowMs),
    [...brokenInvariants, ...over].join("; "),
  ]);
  const missing = report.failedScenarios.filter((scenario) =>
    report.outcomes.every((one) => one.scenario !== scenario),
  );
  const notRun = missing.map((scenario) => [scenario, "**not run**", "", "", "", "", "", "", "", ""]);
  const header = [
    ...["scenario", "result", "conflicts", "takeovers", "lease p95 ms", "queue peak", "retries"],
    ...["checkpoint window", "replay ms", "broken"],
  ];
  return `# Contention for sessions\n\n${markdownTable(header, [...rows, ...notRun])}\n`;
}

/** Of what a clock measured, people read no more. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function runSignature(run: ContentionRun): string {
  return `${contentionMetricsSignature(run.metrics)}\n${run.brokenFacts.join("\n")}`;
}
