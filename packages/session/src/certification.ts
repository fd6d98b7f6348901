// SPDX-License-Identifier: Apache-2.0
// For those who certify a store or a release: what a run must show, and the judgement of it.

export {
  CONTENTION_SCENARIOS,
  type ContentionBudget,
  type ContentionMetrics,
  type ContentionOutcome,
  type ContentionReport,
  type ContentionRun,
  type ContentionScenario,
  contentionInvariants,
  contentionMetricsSignature,
  contentionOutcome,
  contentionPassed,
  contentionReport,
  contentionReportMarkdown,
  contentionReportSignature,
} from "./certification/contention.ts";
export {
  evaluateContentionScenario,
  modelContentionBudgets,
  runContentionMatrix,
} from "./certification/contention-model.ts";
export { type ContentionEvent, tallyContention } from "./certification/contention-tally.ts";
export {
  BACKEND_PRESSURES,
  type BackendArtifact,
  type BackendBudgetResult,
  type BackendObservation,
  type BackendPressure,
  type BackendSloBudget,
  type DurableBackendClass,
  type DurableBackendContract,
  type DurableBackendReport,
  durableBackendReport,
  durableBackendReportMarkdown,
  durableBackendReportSignature,
  postgresWalQuorum,
} from "./certification/durable-backend.ts";
export {
  FAILOVER_SCENARIOS,
  type FailoverOutcome,
  type FailoverReport,
  type FailoverScenario,
  failoverOutcome,
  failoverPassed,
  failoverReport,
  failoverReportMarkdown,
  failoverReportSignature,
  failoverScenarioLabel,
} from "./certification/failover.ts";
export {
  evaluateFailoverScenario,
  failoverSnapshotMarkdown,
  failoverSnapshotSignature,
  runFailoverMatrix,
  runFailoverScenario,
} from "./certification/failover-model.ts";
export { jsonLines } from "./certification/report-text.ts";
export { type ScenarioFact, type ScenarioResult, scenarioResult } from "./certification/scenario-result.ts";
export type { CertificationOptions, CertifiedStore, Relief } from "./certification/store/certified-store.ts";
export { type CertifyOptions, certifyStore, type StoreCertificate } from "./certification/store/certify.ts";
export { runStoreContentionMatrix, storeContentionBudgets } from "./certification/store/store-contention.ts";
export { runStoreFailoverMatrix } from "./certification/store/store-failover.ts";
export { runStorePressureMatrix, storePressureBudgets } from "./certification/store/store-pressure.ts";
