// SPDX-License-Identifier: Apache-2.0
import { fieldsSignature, fingerprint, markdownTable } from "./report-text.ts";
import { isDeterministic, type ScenarioResult } from "./scenario-result.ts";

/** The scenarios of the failover matrix (M27), a gate for releases. Source: `fencing-quorum-sessions.md` 4.8. */
export type FailoverScenario =
  | "supported_backends"
  | "ownership_fencing"
  | "crash_restart_failover"
  | "resume_policy_matrix"
  | "reconnect_continuity_slo";

export const FAILOVER_SCENARIOS: readonly FailoverScenario[] = Object.freeze([
  "supported_backends",
  "ownership_fencing",
  "crash_restart_failover",
  "resume_policy_matrix",
  "reconnect_continuity_slo",
]);

export interface FailoverOutcome {
  readonly scenario: FailoverScenario;
  /** Both evaluations passed. */
  readonly passed: boolean;
  /** Both evaluations said the same. */
  readonly deterministic: boolean;
  /** Of the first evaluation. */
  readonly signature: string;
}

export interface FailoverReport {
  readonly outcomes: readonly FailoverOutcome[];
  /** Scenarios that did not pass, and those that nobody ran. */
  readonly failedScenarios: readonly FailoverScenario[];
  readonly nondeterministicFailures: readonly FailoverScenario[];
}

/** The outcome of a scenario that was evaluated twice, on the model or on real stores. */
export function failoverOutcome(
  scenario: FailoverScenario,
  first: ScenarioResult,
  second: ScenarioResult,
): FailoverOutcome {
  return Object.freeze({
    scenario,
    passed: first.passed && second.passed,
    deterministic: isDeterministic(first, second),
    signature: first.signature,
  });
}

/** All outcomes together. What was not run has failed. */
export function failoverReport(outcomes: readonly FailoverOutcome[]): FailoverReport {
  const of = (scenario: FailoverScenario): readonly FailoverOutcome[] =>
    outcomes.filter((outcome) => outcome.scenario === scenario);
  return Object.freeze({
    outcomes: Object.freeze([...outcomes]),
    failedScenarios: FAILOVER_SCENARIOS.filter(
      (scenario) => of(scenario).length === 0 || of(scenario).some(({ passed }) => !passed),
    ),
    nondeterministicFailures: FAILOVER_SCENARIOS.filter((scenario) =>
      of(scenario).some(({ deterministic }) => !deterministic),
    ),
  });
}

/** Whether a report lets a release through. */
export function failoverPassed(report: FailoverReport): boolean {
  return report.failedScenarios.length === 0 && report.nondeterministicFailures.length === 0;
}

/** The scenario in lower case. */
export function failoverScenarioLabel(scenario: FailoverScenario): string {
  return scenario;
}

/** One line per outcome, then the failures. Equal reports have equal signatures. */
export function failoverReportSignature(report: FailoverReport): string {
  const { outcomes, failedScenarios, nondeterministicFailures } = report;
  const failed = failedScenarios.map(failoverScenarioLabel).join(",");
  const nondeterministic = nondeterministicFailures.map(failoverScenarioLabel).join(",");
  return [
    ...outcomes.map((outcome) => fieldsSignature({ ...outcome })),
    `failed=${failed}|nondeterministic=${nondeterministic}`,
  ].join("\n");
}

/** The report for people. */
export function failoverReportMarkdown(report: FailoverReport): string {
  const rows = report.outcomes.map(({ scenario, passed, deterministic, signature }) => [
    failoverScenarioLabel(scenario),
    passed ? "passed" : "**failed**",
    deterministic ? "yes" : "**no**",
    fingerprint(signature),
  ]);
  const missing = report.failedScenarios.filter((scenario) =>
    report.outcomes.every((outcome) => outcome.scenario !== scenario),
  );
  const notRun = missing.map((scenario) => [failoverScenarioLabel(scenario), "**not run**", "", ""]);
  const verdict = failoverPassed(report) ? "All scenarios pass, twice with the same result." : "**Not certified.**";
  const table = markdownTable(["scenario", "result", "deterministic", "fingerprint"], [...rows, ...notRun]);
  return `# Failover of sessions\n\n${verdict}\n\n${table}\n`;
}
