// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  evaluateFailoverScenario,
  FAILOVER_SCENARIOS,
  type FailoverOutcome,
  failoverOutcome,
  failoverPassed,
  failoverReport,
  failoverReportMarkdown,
  failoverReportSignature,
  failoverScenarioLabel,
  failoverSnapshotMarkdown,
  failoverSnapshotSignature,
  jsonLines,
  runFailoverMatrix,
  runFailoverScenario,
  scenarioResult,
} from "../../src/certification.ts";

const good = { passed: true, signature: "a" };
const all = (changed: Partial<FailoverOutcome> = {}): FailoverOutcome[] =>
  FAILOVER_SCENARIOS.map((scenario, index) => ({
    ...failoverOutcome(scenario, good, good),
    ...(index === 2 ? changed : {}),
  }));

describe("the failover matrix (M27) on the model", () => {
  it("passes all five scenarios, twice with the same result", () => {
    const report = runFailoverMatrix();
    expect(report.outcomes.map(({ scenario }) => failoverScenarioLabel(scenario))).toEqual([
      "supported_backends",
      "ownership_fencing",
      "crash_restart_failover",
      "resume_policy_matrix",
      "reconnect_continuity_slo",
    ]);
    expect(report).toMatchObject({ failedScenarios: [], nondeterministicFailures: [] });
    expect(failoverPassed(report)).toBe(true);
    expect(failoverSnapshotSignature()).toBe(failoverReportSignature(report));
  });

  it("signs what the fencing scenario saw, in the order of its questions", () => {
    expect(runFailoverScenario("ownership_fencing").signature).toBe(
      "stale_owner%3A2%3A1,stale_owner%3A2%3A0,split_brain%3Anode-a%3Anode-b%3A2,split_brain%3Anode-a%3Anode-b%3A2," +
        "invalid_token%3Anode-a%3A2,renewed,invalid_token%3Anode-b%3A3,replaced",
    );
  });

  it.each([
    ["supported_backends", 3, "counter%3D3"],
    ["crash_restart_failover", 4, "checkpoint_epoch%3D2"],
    ["resume_policy_matrix", 9, "counter%3D0"],
    ["reconnect_continuity_slo", 5, "met%3Dfalse"],
  ] as const)("looks in %s at %i facts, among them %s", (scenario, count, seen) => {
    const { signature } = evaluateFailoverScenario(scenario);
    expect(signature.split(",")).toHaveLength(count);
    expect(signature).toContain(seen);
  });
});

describe("failoverOutcome", () => {
  it("passes only if both evaluations do", () => {
    const bad = { ...good, passed: false };
    const passed = [failoverOutcome("ownership_fencing", good, bad), failoverOutcome("ownership_fencing", bad, good)];
    expect(passed.map((outcome) => outcome.passed)).toEqual([false, false]);
  });

  it.each([
    [{ passed: true, signature: "b" }, false],
    [{ passed: false, signature: "a" }, false],
    [{ passed: true, signature: "a" }, true],
  ])("is deterministic only if both say the same: %j", (second, deterministic) => {
    expect(failoverOutcome("ownership_fencing", good, second).deterministic).toBe(deterministic);
  });
});

describe("failoverReport", () => {
  it("lets a release through when all scenarios pass and are deterministic", () => {
    expect(failoverPassed(failoverReport(all()))).toBe(true);
  });

  it("fails with a scenario that failed, differed or was not run", () => {
    const [, , third = "ownership_fencing"] = FAILOVER_SCENARIOS;
    const failed = failoverReport(all({ passed: false }));
    const differed = failoverReport(all({ deterministic: false }));
    const missing = failoverReport(all().toSpliced(2, 1));
    expect(failed).toMatchObject({ failedScenarios: [third], nondeterministicFailures: [] });
    expect(differed).toMatchObject({ failedScenarios: [], nondeterministicFailures: [third] });
    expect(missing).toMatchObject({ failedScenarios: [third], nondeterministicFailures: [] });
    expect([failed, differed, missing].map(failoverPassed)).toEqual([false, false, false]);
    expect(failoverReportMarkdown(missing)).toContain(`| ${third} | **not run** |`);
  });

  it("does not let a second, good run hide a bad one", () => {
    const outcomes = [...all({ passed: false }), ...all()];
    expect(failoverPassed(failoverReport(outcomes))).toBe(false);
  });

  it("signs outcomes and failures, so that reports differ when anything does", () => {
    const reports = [all(), all({ passed: false }), all({ deterministic: false }), all({ signature: "b" })];
    const signatures = [...reports, all().toSpliced(2, 1)].map((outcomes) =>
      failoverReportSignature(failoverReport(outcomes)),
    );
    expect(new Set(signatures).size).toBe(5);
    expect(signatures[1]?.split("\n")).toEqual([
      "scenario=supported_backends|passed=true|deterministic=true|signature=a",
      "scenario=ownership_fencing|passed=true|deterministic=true|signature=a",
      "scenario=crash_restart_failover|passed=false|deterministic=true|signature=a",
      "scenario=resume_policy_matrix|passed=true|deterministic=true|signature=a",
      "scenario=reconnect_continuity_slo|passed=true|deterministic=true|signature=a",
      "failed=crash_restart_failover|nondeterministic=",
    ]);
  });

  it("is Markdown for people and one line of JSON per outcome for programs", () => {
    expect(failoverSnapshotMarkdown()).toMatch(/\| ownership_fencing \| passed \| yes \| [0-9a-f]{12} \|/);
    const lines = jsonLines(runFailoverMatrix().outcomes).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).scenario)).toEqual(FAILOVER_SCENARIOS);
  });
});

describe("scenarioResult", () => {
  it("does not pass without facts, or with one that does not hold", () => {
    expect(scenarioResult([]).passed).toBe(false);
    const facts = [
      { seen: "a,b", holds: true },
      { seen: "c", holds: false },
    ];
    expect(scenarioResult(facts)).toEqual({ passed: false, signature: "a%2Cb,c" });
    expect(scenarioResult(facts.slice(0, 1)).passed).toBe(true);
  });
});
