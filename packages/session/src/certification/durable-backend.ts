// SPDX-License-Identifier: Apache-2.0
import { fieldsSignature, markdownTable } from "./report-text.ts";

/** How a store keeps sessions, for the matrix of backends (M49). Source: `fencing-quorum-sessions.md` 4.8. */
export type DurableBackendClass = "sql_quorum" | "kv_consensus" | "log_replicated" | "object_manifest";

export type BackendPressure = "nominal" | "dependency_degraded" | "dependency_partitioned";

export const BACKEND_PRESSURES: readonly BackendPressure[] = Object.freeze([
  "nominal",
  "dependency_degraded",
  "dependency_partitioned",
]);

/** Where the papers of a backend are; paths or addresses. */
export interface BackendArtifact {
  readonly tuningGuide: string;
  readonly certificationReport: string;
  readonly evidenceManifest: string;
}

/** What a backend promises. */
export interface DurableBackendContract {
  readonly name: string;
  readonly class: DurableBackendClass;
  readonly durableStore: string;
  /** Then a run must have seen the store refuse a deposed owner at least once. */
  readonly takeoverRequiresFencing: boolean;
  readonly recoveryRequiresReplay: boolean;
  readonly continuitySloMs: number;
  readonly maxDataLossEvents: number;
  readonly supportedPressures: readonly BackendPressure[];
  readonly artifact: BackendArtifact;
}

/** What a run under one pressure measured. */
export interface BackendObservation {
  readonly backend: string;
  readonly pressure: BackendPressure;
  readonly takeoverMs: number;
  readonly recoveryMs: number;
  readonly fenceRejections: number;
  readonly dataLossEvents: number;
  readonly continuityMet: boolean;
}

export interface BackendSloBudget {
  readonly pressure: BackendPressure;
  readonly maxTakeoverMs: number;
  readonly maxRecoveryMs: number;
  readonly maxDataLossEvents: number;
}

export interface BackendBudgetResult {
  readonly backend: string;
  readonly pressure: BackendPressure;
  readonly passed: boolean;
  /** Never empty: what was not kept, or `within budget`. */
  readonly reason: string;
}

export interface DurableBackendReport {
  readonly contracts: readonly DurableBackendContract[];
  readonly observations: readonly BackendObservation[];
  /** One per contract and supported pressure, and one per observation that belongs to none. */
  readonly results: readonly BackendBudgetResult[];
  readonly failedBudgets: readonly BackendBudgetResult[];
}

/**
 * The contract of sessions in Postgres with a quorum of synchronous standbys: the first entry of the matrix.
 * Five seconds of continuity are this project's choice.
 */
export function postgresWalQuorum(artifact: BackendArtifact): DurableBackendContract {
  return Object.freeze({
    name: "postgres_wal_quorum",
    class: "sql_quorum",
    durableStore: "postgres://cluster/wal",
    takeoverRequiresFencing: true,
    recoveryRequiresReplay: true,
    continuitySloMs: 5_000,
    maxDataLossEvents: 0,
    supportedPressures: BACKEND_PRESSURES,
    artifact: Object.freeze({ ...artifact }),
  });
}

/** Judges what was measured by contracts and budgets. What was not measured, or has no budget, has failed. */
export function durableBackendReport(
  contracts: readonly DurableBackendContract[],
  budgets: readonly BackendSloBudget[],
  observations: readonly BackendObservation[],
): DurableBackendReport {
  const cells = contracts.flatMap((contract) =>
    contract.supportedPressures.map((pressure) => ({ contract, pressure })),
  );
  const isIn = (seen: BackendObservation, { contract, pressure }: (typeof cells)[number]): boolean =>
    seen.backend === contract.name && seen.pressure === pressure;
  const judged = cells.map((cell) => {
    const seen = observations.filter((observation) => isIn(observation, cell));
    const budget = budgets.find(({ pressure }) => pressure === cell.pressure);
    const reasons = seen.flatMap((observation) => [
      ...brokenContract(cell.contract, observation),
      ...(budget === undefined ? ["no budget for this pressure"] : brokenBudget(budget, observation)),
    ]);
    return result(cell.contract.name, cell.pressure, seen.length === 0 ? ["not observed"] : reasons);
  });
  const strays = observations
    .filter((observation) => !cells.some((cell) => isIn(observation, cell)))
    .map(({ backend, pressure }) => result(backend, pressure, ["no contract for this backend and pressure"]));
  const results = Object.freeze([...judged, ...strays]);
  return Object.freeze({
    contracts: Object.freeze([...contracts]),
    observations: Object.freeze([...observations]),
    results,
    failedBudgets: results.filter(({ passed }) => !passed),
  });
}

function brokenContract(contract: DurableBackendContract, seen: BackendObservation): string[] {
  return [
    ...over("contract: data_loss_events", seen.dataLossEvents, contract.maxDataLossEvents),
    ...(contract.takeoverRequiresFencing && !(seen.fenceRejections >= 1)
      ? ["contract: no deposed owner was seen to be refused"]
      : []),
    ...(seen.continuityMet ? [] : [`contract: continuity of ${contract.continuitySloMs} ms was not met`]),
  ];
}

function brokenBudget(budget: BackendSloBudget, seen: BackendObservation): string[] {
  return [
    ...over("takeover_ms", seen.takeoverMs, budget.maxTakeoverMs),
    ...over("recovery_ms", seen.recoveryMs, budget.maxRecoveryMs),
    ...over("data_loss_events", seen.dataLossEvents, budget.maxDataLossEvents),
  ];
}

/** What is no number, or below 0, keeps no limit. */
function over(what: string, value: number, most: number): string[] {
  return value >= 0 && value <= most ? [] : [`${what} is ${value}, more than ${most} or no measure`];
}

function result(backend: string, pressure: BackendPressure, reasons: readonly string[]): BackendBudgetResult {
  const passed = reasons.length === 0;
  return Object.freeze({ backend, pressure, passed, reason: passed ? "within budget" : reasons.join("; ") });
}

/** One line per result. It holds no measured time, so two runs that both keep their budgets sign alike. */
export function durableBackendReportSignature(report: DurableBackendReport): string {
  return report.results
    .map(({ backend, pressure, passed }) => fieldsSignature({ backend, pressure, passed }))
    .join("\n");
}

/** The report for people. */
export function durableBackendReportMarkdown(report: DurableBackendReport): string {
  const rows = report.results.map(({ backend, pressure, passed, reason }) => {
    const seen = report.observations.find((one) => one.backend === backend && one.pressure === pressure);
    return [
      ...[backend, pressure, passed ? "passed" : "**failed**"],
      ...[seen?.takeoverMs ?? "", seen?.recoveryMs ?? "", seen?.fenceRejections ?? "", seen?.dataLossEvents ?? ""],
      reason,
    ];
  });
  const header = ["backend", "pressure", "result", "takeover ms", "recovery ms", "refusals", "entries lost", "reason"];
  return `# Backends of sessions under pressure\n\n${markdownTable(header, rows)}\n`;
}
