// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { nearestRank } from "../../src/certification/contention-tally.ts";
import {
  CONTENTION_SCENARIOS,
  type ContentionBudget,
  type ContentionMetrics,
  type ContentionOutcome,
  contentionInvariants,
  contentionMetricsSignature,
  contentionOutcome,
  contentionPassed,
  contentionReport,
  contentionReportMarkdown,
  contentionReportSignature,
  evaluateContentionScenario,
  modelContentionBudgets,
  runContentionMatrix,
  tallyContention,
} from "../../src/certification.ts";
import type { OwnershipError } from "../../src/index.ts";

const METRICS: ContentionMetrics = {
  ownershipConflicts: 6,
  splitBrainRejections: 1,
  staleOwnerRejections: 2,
  invalidTokenRejections: 3,
  takeoverSuccesses: 4,
  leaseWindowP95Ms: 50,
  leaseQueuePeak: 5,
  takeoverQueuePeak: 6,
  retryAttempts: 7,
  checkpointWindowEvents: 8,
  replayWindowMs: 90,
};
const BUDGET: ContentionBudget = {
  scenario: "ownership_fencing_contention",
  maxLeaseWindowP95Ms: 50,
  maxCheckpointWindowEvents: 8,
  maxReplayWindowMs: 90,
  maxQueueDepth: 6,
  maxRetryAttempts: 7,
};
const outcomeOf = (changes: Partial<ContentionMetrics>, second = changes): ContentionOutcome =>
  contentionOutcome(
    BUDGET,
    { metrics: { ...METRICS, ...changes }, brokenFacts: [] },
    { metrics: { ...METRICS, ...second }, brokenFacts: [] },
  );

describe("contention (M37) on the model", () => {
  it("passes all four scenarios within budgets that leave no room", () => {
    const report = runContentionMatrix();
    expect(report).toMatchObject({
      failedScenarios: [],
      nondeterministicFailures: [],
      invariantFailures: [],
      failedBudgets: [],
    });
    expect(report.outcomes.map(({ scenario }) => scenario)).toEqual(CONTENTION_SCENARIOS);
    expect(contentionPassed(report)).toBe(true);
  });

  it("counts what eight nodes do to each other", () => {
    const of = (index: number): Partial<ContentionMetrics> => {
      const [scenario] = CONTENTION_SCENARIOS.slice(index);
      const { metrics } = evaluateContentionScenario(scenario ?? "checkpoint_replay_windows");
      return Object.fromEntries(Object.entries(metrics).filter(([, value]) => value > 0));
    };
    // Eight rounds with seven losers each, who try three things.
    expect(of(0)).toEqual({
      ownershipConflicts: 168,
      splitBrainRejections: 56,
      staleOwnerRejections: 56,
      invalidTokenRejections: 56,
      takeoverSuccesses: 8,
    });
    expect(of(1)).toEqual({ leaseWindowP95Ms: 40, leaseQueuePeak: 8 });
    expect(of(2)).toEqual({
      ownershipConflicts: 7,
      staleOwnerRejections: 7,
      takeoverSuccesses: 8,
      takeoverQueuePeak: 8,
      retryAttempts: 7,
    });
    expect(of(3)).toEqual({ checkpointWindowEvents: 3, replayWindowMs: 30 });
  });

  it.each([
    ["lease_renewal_contention", { maxLeaseWindowP95Ms: 39 }, "leaseWindowP95Ms"],
    ["lease_renewal_contention", { maxQueueDepth: 7 }, "leaseQueuePeak"],
    ["takeover_queue_retry_pressure", { maxQueueDepth: 7 }, "takeoverQueuePeak"],
    ["takeover_queue_retry_pressure", { maxRetryAttempts: 6 }, "retryAttempts"],
    ["checkpoint_replay_windows", { maxCheckpointWindowEvents: 2 }, "checkpointWindowEvents"],
    ["checkpoint_replay_windows", { maxReplayWindowMs: 29 }, "replayWindowMs"],
  ] as const)("fails %s when the budget is one less: %j", (scenario, less, metric) => {
    const budgets = modelContentionBudgets().map((budget) =>
      budget.scenario === scenario ? { ...budget, ...less } : budget,
    );
    const report = runContentionMatrix(budgets);
    expect(report).toMatchObject({ failedScenarios: [scenario], failedBudgets: [`${scenario}:${metric}`] });
    expect(contentionPassed(report)).toBe(false);
    expect(contentionReportMarkdown(report)).toContain(`| ${scenario} | **failed** |`);
  });
});

describe("contentionOutcome", () => {
  it("passes at the limits of its budget", () => {
    expect(outcomeOf({})).toMatchObject({ passed: true, deterministic: true });
  });

  it.each<[Partial<ContentionMetrics>]>([
    [{ leaseWindowP95Ms: 50.5 }],
    [{ leaseQueuePeak: 7 }],
    [{ takeoverQueuePeak: 7 }],
    [{ retryAttempts: 8 }],
    [{ checkpointWindowEvents: 9 }],
    [{ replayWindowMs: 91 }],
  ])("fails above it, in either evaluation: %j", (changes) => {
    const [metric] = Object.keys(changes);
    const broken = [`ownership_fencing_contention:${metric}`];
    expect(outcomeOf(changes, {})).toMatchObject({ passed: false, brokenBudgets: broken, brokenInvariants: [] });
    expect(outcomeOf({}, changes)).toMatchObject({ passed: false, brokenBudgets: broken, deterministic: false });
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("fails with %d as a measure", (value) => {
    expect(outcomeOf({ replayWindowMs: value }).passed).toBe(false);
  });

  it("fails with a budget that is no number", () => {
    const run = { metrics: METRICS, brokenFacts: [] };
    const outcome = contentionOutcome({ ...BUDGET, maxRetryAttempts: Number.NaN }, run, run);
    expect(outcome.brokenBudgets).toEqual(["ownership_fencing_contention:retryAttempts"]);
  });

  it("fails with a fact that did not hold", () => {
    const run = { metrics: METRICS, brokenFacts: ["the loser is refused"] };
    const outcome = contentionOutcome(BUDGET, run, run);
    expect(outcome).toMatchObject({ passed: false, deterministic: true, brokenInvariants: ["the loser is refused"] });
    expect(contentionReport([outcome]).invariantFailures).toEqual([
      "ownership_fencing_contention: the loser is refused",
    ]);
  });
});

describe("contentionInvariants", () => {
  it("hold for numbers that add up", () => {
    expect(contentionInvariants("ownership_fencing_contention", METRICS)).toEqual([]);
  });

  it("break when a conflict has no kind", () => {
    expect(contentionInvariants("ownership_fencing_contention", { ...METRICS, ownershipConflicts: 7 })).toHaveLength(1);
  });

  it.each(CONTENTION_SCENARIOS)("break when %s met no contention", (scenario) => {
    const none = tallyContention([]);
    expect(contentionInvariants(scenario, none)).not.toEqual([]);
  });
});

describe("contentionReport", () => {
  it("fails what was not run, and what differed unless that is allowed", () => {
    const outcomes = CONTENTION_SCENARIOS.map((scenario) => ({ ...outcomeOf({}), scenario }));
    expect(contentionPassed(contentionReport(outcomes))).toBe(true);
    const missing = contentionReport(outcomes.slice(1));
    expect(missing.failedScenarios).toEqual(["ownership_fencing_contention"]);
    expect(contentionPassed(missing)).toBe(false);
    expect(contentionReportMarkdown(missing)).toContain("| ownership_fencing_contention | **not run** |");
    const differed = contentionReport(outcomes.map((outcome) => ({ ...outcome, deterministic: false })));
    expect([contentionPassed(differed), contentionPassed(differed, true)]).toEqual([false, true]);
  });

  it("shows people tenths of what a clock measured", () => {
    const report = contentionReport([outcomeOf({ leaseWindowP95Ms: 12.345678, replayWindowMs: 7.96 })]);
    expect(contentionReportMarkdown(report)).toMatch(/\| 12\.3 \|.*\| 8 \|/);
    expect(contentionReportSignature(report)).toContain("lease_window_p95_ms=12.345678");
  });

  it("signs every metric under its name", () => {
    expect(contentionMetricsSignature(METRICS)).toBe(
      "ownership_conflicts=6|split_brain_rejections=1|stale_owner_rejections=2|invalid_token_rejections=3|" +
        "takeover_successes=4|lease_window_p95_ms=50|lease_queue_peak=5|takeover_queue_peak=6|retry_attempts=7|" +
        "checkpoint_window_events=8|replay_window_ms=90",
    );
    expect(contentionReportSignature(contentionReport([outcomeOf({ retryAttempts: 8 })])).split("\n")).toEqual([
      `scenario=ownership_fencing_contention|passed=false|deterministic=true|${contentionMetricsSignature({ ...METRICS, retryAttempts: 8 })}`,
      "failed=ownership_fencing_contention lease_renewal_contention takeover_queue_retry_pressure " +
        "checkpoint_replay_windows|nondeterministic=|invariants=|budgets=ownership_fencing_contention%3AretryAttempts",
    ]);
  });
});

describe("tallyContention", () => {
  it("counts each kind, and keeps the peaks", () => {
    const split = { currentOwner: "a", requestedOwner: "b", epoch: 1n, cause: "reused_epoch" } as const;
    const refusals: readonly OwnershipError[] = [
      { kind: "split_brain", ...split },
      { kind: "stale_owner", currentEpoch: 2n, requestedEpoch: 1n },
      { kind: "stale_owner", currentEpoch: 2n, requestedEpoch: 1n },
      { kind: "invalid_token", owner: "a", epoch: 1n, cause: "wrong_hmac" },
    ];
    const metrics = tallyContention([
      ...refusals.map((error) => ({ kind: "claim_refused", error }) as const),
      { kind: "takeover" },
      { kind: "retry" },
      { kind: "retry" },
      { kind: "lease_window", ms: 7 },
      { kind: "lease_queue", depth: 3 },
      { kind: "lease_queue", depth: 2 },
      { kind: "takeover_queue", depth: 4 },
      { kind: "takeover_queue", depth: 1 },
      { kind: "replayed", events: 5, ms: 1 },
      { kind: "replayed", events: 1, ms: 6 },
    ]);
    expect(metrics).toEqual({
      ownershipConflicts: 4,
      splitBrainRejections: 1,
      staleOwnerRejections: 2,
      invalidTokenRejections: 1,
      takeoverSuccesses: 1,
      leaseWindowP95Ms: 7,
      leaseQueuePeak: 3,
      takeoverQueuePeak: 4,
      retryAttempts: 2,
      checkpointWindowEvents: 5,
      replayWindowMs: 6,
    });
  });

  it.each([
    [[], 0],
    [[3], 3],
    [[9, 1], 9],
    [Array.from({ length: 20 }, (_, index) => 20 - index), 19],
    [Array.from({ length: 21 }, (_, index) => index + 1), 20],
  ])("takes the nearest rank of %j", (values, expected) => expect(nearestRank(values, 95)).toBe(expected));
});
