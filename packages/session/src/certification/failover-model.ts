// SPDX-License-Identifier: Apache-2.0
import { type PersistenceBackend, snapshotJournal, snapshotOnly, supportedBackends } from "../backend.ts";
import { valid } from "../check-session.ts";
import { continuityReport } from "../continuity.ts";
import type { DurableSession } from "../durable-session.ts";
import { backendLabel, ownershipErrorLabel } from "../labels.ts";
import { continuitySignature, signature } from "../signatures.ts";
import { start } from "../start.ts";
import { RESUME_POLICIES } from "../state.ts";
import { requestTakeover } from "../takeover.ts";
import { plainTokens } from "../token.ts";
import { appendCounterDelta, crash, reconnect, restart } from "../transitions.ts";
import {
  FAILOVER_SCENARIOS,
  type FailoverOutcome,
  type FailoverReport,
  type FailoverScenario,
  failoverOutcome,
  failoverReport,
  failoverReportMarkdown,
  failoverReportSignature,
} from "./failover.ts";
import { type ScenarioFact, type ScenarioResult, scenarioResult } from "./scenario-result.ts";

/**
 * Evaluates a scenario on the model, once. Real stores need an evaluation of their own, with the same facts;
 * `failoverOutcome` and `failoverReport` judge either. Source: `fencing-quorum-sessions.md` 4.8.
 */
export function evaluateFailoverScenario(scenario: FailoverScenario): ScenarioResult {
  switch (scenario) {
    case "supported_backends":
      return scenarioResult(supportedBackends().map(survivesACrash));
    case "ownership_fencing":
      return scenarioResult(ownershipFacts());
    case "crash_restart_failover":
      return scenarioResult(failoverFacts());
    case "resume_policy_matrix":
      return scenarioResult(supportedBackends().flatMap(policyFacts));
    case "reconnect_continuity_slo":
      return scenarioResult(continuityFacts());
    default:
      return scenario satisfies never;
  }
}

/** Evaluates a scenario on the model, twice. */
export function runFailoverScenario(scenario: FailoverScenario): FailoverOutcome {
  return failoverOutcome(scenario, evaluateFailoverScenario(scenario), evaluateFailoverScenario(scenario));
}

/** All scenarios on the model. */
export function runFailoverMatrix(): FailoverReport {
  return failoverReport(FAILOVER_SCENARIOS.map(runFailoverScenario));
}

/** The signature of {@link runFailoverMatrix}, to be compared with the one of another version or machine. */
export function failoverSnapshotSignature(): string {
  return failoverReportSignature(runFailoverMatrix());
}

/** The report of {@link runFailoverMatrix} for people. */
export function failoverSnapshotMarkdown(): string {
  return failoverReportMarkdown(runFailoverMatrix());
}

const started = (backend: PersistenceBackend): DurableSession =>
  start(
    {
      sessionId: "matrix",
      owner: "node-a",
      route: "/counter",
      backend,
      resumePolicy: "rehydrate",
      nowMs: 1000,
      continuitySloMs: 250,
      maxDataLossEvents: 2,
    },
    plainTokens,
  );

/** Two deltas, which make 3, and a crash. */
const crashed = (backend: PersistenceBackend): DurableSession =>
  crash(appendCounterDelta(appendCounterDelta(started(backend), 5, 1010), -2, 1020), "killed");

/** Asks with the right token, or with one that is not. */
function asked(session: DurableSession, owner: string, epoch: bigint, rightToken: boolean): [string, DurableSession] {
  const right = plainTokens.expected(session.snapshot.sessionId, owner, epoch);
  const request = { owner, epoch, token: rightToken ? right : `${right}0` };
  const result = requestTakeover(session, request, 1100, plainTokens);
  if (!result.ok) return [ownershipErrorLabel(result.error), session];
  return [result.renewed ? "renewed" : "replaced", result.session];
}

function stateFact(session: DurableSession, counter: number): ScenarioFact {
  const { snapshot } = session;
  const holds = valid(session, plainTokens) && snapshot.lifecycle === "live" && snapshot.counter === counter;
  return { seen: signature(session), holds };
}

function survivesACrash(backend: PersistenceBackend): ScenarioFact {
  return stateFact(reconnect(restart(crashed(backend), 1110), "resume", "/counter", 1150), 3);
}

function ownershipFacts(): ScenarioFact[] {
  const [, session] = asked(started(snapshotJournal("pg", "redis", 3)), "node-a", 2n, true);
  const rows: readonly [owner: string, epoch: bigint, rightToken: boolean, answer: string][] = [
    ["node-b", 1n, true, "stale_owner:2:1"],
    ["node-a", 0n, false, "stale_owner:2:0"],
    ["node-b", 2n, true, "split_brain:node-a:node-b:2"],
    ["node-b", 2n, false, "split_brain:node-a:node-b:2"],
    ["node-a", 2n, false, "invalid_token:node-a:2"],
    ["node-a", 2n, true, "renewed"],
    ["node-b", 3n, false, "invalid_token:node-b:3"],
    ["node-b", 900n, true, "replaced"],
  ];
  return rows.map(([owner, epoch, rightToken, answer]) => {
    const [given] = asked(session, owner, epoch, rightToken);
    return { seen: given, holds: given === answer };
  });
}

function failoverFacts(): ScenarioFact[] {
  const before = crashed(snapshotJournal("pg", "redis", 3));
  const [answer, taken] = asked(before, "node-b", 2n, true);
  const back = reconnect(restart(taken, 1110), "rehydrate", "/counter", 1150);
  const [late, after] = asked(back, "node-a", 1n, true);
  return [
    { seen: answer, holds: answer === "replaced" },
    stateFact(back, 3),
    { seen: late, holds: late === "stale_owner:2:1" && after === back },
    stateFact(appendCounterDelta(back, 1, 1160), 4),
  ];
}

function policyFacts(backend: PersistenceBackend): ScenarioFact[] {
  return RESUME_POLICIES.map((policy) => {
    const back = reconnect(restart(crashed(backend), 1110), policy, "/other", 1150);
    return stateFact(back, policy === "remount" ? 0 : 3);
  });
}

function continuityFacts(): ScenarioFact[] {
  const rows: readonly [backend: PersistenceBackend, reconnectAtMs: number, expected: string][] = [
    [snapshotOnly("pg", 2), 1150, "latency_ms=120|data_loss=0|met=true"],
    [snapshotOnly("pg", 3), 1280, "latency_ms=250|data_loss=2|met=true"],
    [snapshotOnly("pg", 3), 1281, "latency_ms=251|data_loss=2|met=false"],
    ...supportedBackends()
      .slice(1)
      .map((backend): [PersistenceBackend, number, string] => [backend, 1030, "latency_ms=0|data_loss=0|met=true"]),
  ];
  return rows.map(([backend, reconnectAtMs, expected]) => {
    const report = continuitySignature(continuityReport(crashed(backend), 1030, reconnectAtMs));
    return { seen: `${backendLabel(backend)} ${report}`, holds: report === expected };
  });
}
