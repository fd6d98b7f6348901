// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  BACKEND_PRESSURES,
  type BackendObservation,
  type BackendSloBudget,
  type DurableBackendReport,
  durableBackendReport,
  durableBackendReportMarkdown,
  durableBackendReportSignature,
  postgresWalQuorum,
} from "../../src/certification.ts";

const CONTRACT = postgresWalQuorum({
  tuningGuide: "tuning.md",
  certificationReport: "report.md",
  evidenceManifest: "evidence.jsonl",
});
const BUDGETS: readonly BackendSloBudget[] = BACKEND_PRESSURES.map((pressure, index) => ({
  pressure,
  maxTakeoverMs: 100 * (index + 1),
  maxRecoveryMs: 200 * (index + 1),
  maxDataLossEvents: 0,
}));
const SEEN: readonly BackendObservation[] = BACKEND_PRESSURES.map((pressure, index) => ({
  backend: "postgres_wal_quorum",
  pressure,
  takeoverMs: 100 * (index + 1),
  recoveryMs: 200 * (index + 1),
  fenceRejections: 1,
  dataLossEvents: 0,
  continuityMet: true,
}));
const reportOf = (changes: Partial<BackendObservation>): DurableBackendReport =>
  durableBackendReport([CONTRACT], BUDGETS, [{ ...(SEEN[0] as BackendObservation), ...changes }, ...SEEN.slice(1)]);

describe("durableBackendReport (M49)", () => {
  it("knows Postgres first, under all pressures", () => {
    expect(CONTRACT).toMatchObject({
      name: "postgres_wal_quorum",
      class: "sql_quorum",
      durableStore: "postgres://cluster/wal",
      takeoverRequiresFencing: true,
      maxDataLossEvents: 0,
      supportedPressures: ["nominal", "dependency_degraded", "dependency_partitioned"],
    });
  });

  it("passes what stays at the limits of its budgets", () => {
    const report = durableBackendReport([CONTRACT], BUDGETS, SEEN);
    expect(report.failedBudgets).toEqual([]);
    expect(report.results).toHaveLength(3);
    for (const result of report.results) expect(result).toMatchObject({ passed: true, reason: "within budget" });
  });

  it.each<[Partial<BackendObservation>, RegExp]>([
    [{ takeoverMs: 101 }, /^takeover_ms is 101, more than 100/],
    [{ recoveryMs: 201 }, /^recovery_ms is 201, more than 200/],
    [{ dataLossEvents: 1 }, /contract: data_loss_events is 1.*; data_loss_events is 1, more than 0/],
    [{ fenceRejections: 0 }, /no deposed owner was seen to be refused/],
    [{ fenceRejections: Number.NaN }, /no deposed owner was seen to be refused/],
    [{ continuityMet: false }, /continuity of 5000 ms was not met/],
    [{ takeoverMs: Number.NaN }, /^takeover_ms is NaN/],
    [{ recoveryMs: -1 }, /^recovery_ms is -1/],
  ])("fails %j and says why", (changes, reason) => {
    const report = reportOf(changes);
    expect(report.failedBudgets).toHaveLength(1);
    expect(report.failedBudgets[0]).toMatchObject({ pressure: "nominal", passed: false });
    expect(report.failedBudgets[0]?.reason).toMatch(reason);
    expect(durableBackendReportMarkdown(report)).toContain("| postgres_wal_quorum | nominal | **failed** |");
  });

  it("does not ask for refusals where nothing is taken over", () => {
    const contract = { ...CONTRACT, takeoverRequiresFencing: false };
    const seen = SEEN.map((one) => ({ ...one, fenceRejections: 0 }));
    expect(durableBackendReport([contract], BUDGETS, seen).failedBudgets).toEqual([]);
  });

  it("fails what was not observed, what has no budget and what nobody promised", () => {
    const reasons = (report: DurableBackendReport): readonly string[] =>
      report.failedBudgets.map(({ pressure, reason }) => `${pressure}: ${reason}`);
    expect(reasons(durableBackendReport([CONTRACT], BUDGETS, SEEN.slice(1)))).toEqual(["nominal: not observed"]);
    expect(reasons(durableBackendReport([CONTRACT], BUDGETS.slice(1), SEEN))).toEqual([
      "nominal: no budget for this pressure",
    ]);
    expect(reasons(durableBackendReport([], BUDGETS, SEEN.slice(0, 1)))).toEqual([
      "nominal: no contract for this backend and pressure",
    ]);
  });

  it("does not let a good observation hide a bad one", () => {
    const bad = { ...(SEEN[0] as BackendObservation), takeoverMs: 101 };
    expect(durableBackendReport([CONTRACT], BUDGETS, [...SEEN, bad]).failedBudgets).toHaveLength(1);
  });

  it("signs alike what keeps its budgets, whatever the times", () => {
    const report = durableBackendReport([CONTRACT], BUDGETS, SEEN);
    const signature = durableBackendReportSignature(report);
    expect(signature.split("\n")[0]).toBe("backend=postgres_wal_quorum|pressure=nominal|passed=true");
    expect(durableBackendReportSignature(reportOf({ takeoverMs: 3 }))).toBe(signature);
    expect(durableBackendReportSignature(reportOf({ takeoverMs: 101 }))).not.toBe(signature);
  });
});
