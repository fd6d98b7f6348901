// SPDX-License-Identifier: Apache-2.0
import {
  type ContentionBudget,
  type ContentionReport,
  contentionPassed,
  contentionReportMarkdown,
} from "../contention.ts";
import {
  type BackendSloBudget,
  type DurableBackendContract,
  type DurableBackendReport,
  durableBackendReportMarkdown,
} from "../durable-backend.ts";
import { type FailoverReport, failoverPassed, failoverReportMarkdown } from "../failover.ts";
import { jsonLines } from "../report-text.ts";
import type { CertificationOptions, CertifiedStore } from "./certified-store.ts";
import { runStoreContentionMatrix } from "./store-contention.ts";
import { runStoreFailoverMatrix } from "./store-failover.ts";
import { runStorePressureMatrix } from "./store-pressure.ts";

export interface CertifyOptions extends CertificationOptions {
  /** What the store promises; `supportedPressures` says under which it is looked at. */
  readonly contract: DurableBackendContract;
  readonly contentionBudgets?: readonly ContentionBudget[] | undefined;
  readonly pressureBudgets?: readonly BackendSloBudget[] | undefined;
}

export interface StoreCertificate {
  readonly store: string;
  /** Whether the store may be trusted with sessions, as far as these runs tell. */
  readonly passed: boolean;
  readonly failover: FailoverReport;
  readonly contention: ContentionReport;
  readonly pressure: DurableBackendReport;
  /** One line of JSON for each outcome, with its `kind`. */
  readonly jsonl: string;
  /** The three reports for people. */
  readonly markdown: string;
}

/**
 * All certification runs of a `SessionManager` on one real store: five failover scenarios, each twice with the same
 * signature; contention within budgets; takeovers while the store is well, slow and cut off.
 * Source: `fencing-quorum-sessions.md` 4.8.
 *
 * @throws TypeError for a store that offers no means to a pressure of its contract.
 */
export async function certifyStore(store: CertifiedStore, options: CertifyOptions): Promise<StoreCertificate> {
  const failover = await runStoreFailoverMatrix(store, options);
  const contention = await runStoreContentionMatrix(store, options, options.contentionBudgets);
  const pressure = await runStorePressureMatrix(store, options, options.contract, options.pressureBudgets);
  const passed = failoverPassed(failover) && contentionPassed(contention, true) && pressure.failedBudgets.length === 0;
  const kinds = { failover: failover.outcomes, contention: contention.outcomes, pressure: pressure.results };
  const lines = Object.entries(kinds).flatMap(([kind, outcomes]) =>
    outcomes.map((outcome) => ({ kind, store: store.name, ...outcome })),
  );
  const reports = [
    failoverReportMarkdown(failover),
    contentionReportMarkdown(contention),
    durableBackendReportMarkdown(pressure),
  ];
  return Object.freeze({
    store: store.name,
    passed,
    failover,
    contention,
    pressure,
    jsonl: jsonLines([...lines, { kind: "verdict", store: store.name, passed }]),
    markdown: reports.join("\n"),
  });
}
