// SPDX-License-Identifier: Apache-2.0
import { type HistoryReport, toJson } from "@tsoracle/conformance/checker";
import { quantile } from "./latency.ts";
import type { Recorder } from "./recorder.ts";

/** One kill, as it happened. Instants are of the recorder's clock, in milliseconds. */
export interface Kill {
  /** The process that died. */
  readonly pid: number;
  readonly at: number;
  /** When its successor said that it serves. */
  readonly backAt: number;
  /** Whether the store, as the dead process left it, covered every timestamp that callers held. */
  readonly covered: boolean;
}

/** What a kill cost the callers. */
export interface KillCost {
  readonly pid: number;
  /** Longest time without an answer to anybody, from the kill on, in milliseconds. */
  readonly silentMs: number;
}

/** Everything that a closing table shows. */
export interface LoadReport {
  readonly seconds: number;
  readonly callers: number;
  readonly calls: number;
  readonly issued: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly kills: readonly KillCost[];
  /** Kills that were asked for and did not happen, for want of time. */
  readonly killsMissing: number;
  readonly unanswered: Readonly<Record<string, number>>;
  readonly duplicates: number;
  readonly regressions: number;
  readonly realTimeViolations: number;
  /** Kills after which a caller held a timestamp that the store did not cover. */
  readonly notDurable: number;
  /** The worst violation of each kind, with the calls that prove it. */
  readonly evidence: readonly unknown[];
  readonly injected: boolean;
  readonly ok: boolean;
}

/** The longest silence in `(from, to]`, its edges included. `ends` rise. */
export function longestSilence(ends: readonly number[], from: number, to: number): number {
  let longest = 0;
  let latest = from;
  for (const end of ends) {
    if (end <= from || end > to) continue;
    longest = Math.max(longest, end - latest);
    latest = end;
  }
  return Math.max(longest, to - latest);
}

function evidenceOf(history: HistoryReport): unknown[] {
  const findings = [
    history.duplicates,
    history.clientOrder,
    history.epochOrder,
    history.batchOrder,
    history.realTimeOrder,
  ];
  return findings.flatMap(({ worst }) => (worst === null ? [] : [toJson(worst)]));
}

export interface RunFacts {
  readonly begin: number;
  readonly end: number;
  readonly callers: number;
  readonly kills: readonly Kill[];
  /** How many kills were asked for. */
  readonly killsAsked: number;
  readonly injected: boolean;
}

/** What a client found wrong by itself and kept from its caller: it is a violation all the same. */
const WITHHELD: readonly string[] = ["timestamp_regression", "protocol_violation"];

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Judges the run. One in which nothing was issued, or fewer kills happened than asked, did not prove it and is not `ok`. */
export function buildReport(recorder: Recorder, facts: RunFacts): LoadReport {
  const { begin, end, kills } = facts;
  const history = recorder.judge();
  const withheld = WITHHELD.reduce((sum, code) => sum + (recorder.errors.get(code) ?? 0), 0);
  const killsMissing = Math.max(0, facts.killsAsked - kills.length);
  const notDurable = kills.filter(({ covered }) => !covered).length;
  const latencies = Float64Array.from(recorder.latenciesMs).sort();
  return {
    seconds: rounded((end - begin) / 1_000, 1),
    callers: facts.callers,
    calls: history.calls.total,
    issued: recorder.issued,
    perSecond: Math.round(recorder.issued / ((end - begin) / 1_000)),
    p50Ms: rounded(quantile(latencies, 0.5), 2),
    p99Ms: rounded(quantile(latencies, 0.99), 2),
    kills: kills.map(({ pid, at }, index) => ({
      pid,
      silentMs: Math.round(longestSilence(recorder.ends, at, kills[index + 1]?.at ?? end)),
    })),
    killsMissing,
    unanswered: Object.fromEntries(recorder.errors),
    duplicates: history.duplicates.count,
    regressions: history.clientOrder.count + history.epochOrder.count + history.batchOrder.count + withheld,
    realTimeViolations: history.realTimeOrder.count,
    notDurable,
    evidence: evidenceOf(history),
    injected: facts.injected,
    ok: history.ok && withheld === 0 && notDurable === 0 && killsMissing === 0 && recorder.issued > 0,
  };
}
