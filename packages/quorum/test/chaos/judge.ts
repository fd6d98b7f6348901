// SPDX-License-Identifier: Apache-2.0
import { FAULT_LABELS, type FaultClass, QUORUM } from "./fault.ts";

/** What a report holds of one cycle; names and order are those of `fencing-quorum-sessions.md` 2.9. */
export interface CycleLine {
  readonly cycle: number;
  readonly fault: FaultClass;
  readonly writes: number;
  readonly ok: number;
  readonly quorum_not_met: number;
  /** Everything else: an answer that is neither, or none although the primary was up. */
  readonly fail: number;
  readonly count_node0: number;
  readonly count_node1: number;
  readonly count_node2: number;
}

/** A line, and what it does not say. */
export interface CycleEvidence {
  readonly line: CycleLine;
  /** Whether the fault was seen to happen. One that did not happen proves nothing. */
  readonly isConfirmed: boolean;
  /** Acknowledged while no peer could be reached. */
  readonly tooEarly: number;
  /** Acknowledged, and on fewer than W nodes at the end. */
  readonly underReplicated: number;
  /** What the failures said. */
  readonly failures: readonly string[];
  /** The reasons of the quorums that were not met. */
  readonly refusals: readonly string[];
}

/** How one write of the client went. Times are monotonic milliseconds of one clock. */
export interface WriteResult {
  readonly id: string;
  readonly outcome: "ok" | "quorum_not_met" | "fail";
  /** The reason of a quorum that was not met, else what was answered. */
  readonly detail: string;
  readonly beganAt: number;
  readonly endedAt: number;
  /** How often it was sent again because the primary died over it. */
  readonly repeats: number;
}

/** Writes that began and were acknowledged inside a time in which no peer could be reached. */
export function acknowledgedWithin(results: readonly WriteResult[], from: number, to: number): number {
  return results.filter(({ outcome, beganAt, endedAt }) => outcome === "ok" && beganAt >= from && endedAt <= to).length;
}

/** Writes that were acknowledged and are on fewer than W of the nodes. */
export function acknowledgedBelowQuorum(
  results: readonly WriteResult[],
  copies: readonly ReadonlySet<string>[],
): number {
  return results.filter(({ outcome, id }) => outcome === "ok" && copies.filter((ids) => ids.has(id)).length < QUORUM)
    .length;
}

export type Verdict = "pass" | "soft fail" | "hard fail";

export interface ClassSummary {
  readonly fault: FaultClass;
  readonly kind: "real" | "simulated";
  readonly cycles: number;
  readonly total_writes: number;
  readonly total_ok: number;
  readonly total_quorum_not_met: number;
  /** How often each reason was given. */
  readonly quorum_not_met_reasons: Readonly<Record<string, number>>;
  readonly total_fail: number;
  /** The part of the acknowledged writes that reached both peers, cut off after three digits. No probability of loss. */
  readonly convergence_bound: number;
  readonly faults_confirmed: number;
  readonly too_early: number;
  readonly under_replicated: number;
  readonly verdict: Verdict;
  /** Why it is no pass; empty for one. */
  readonly reasons: readonly string[];
}

const PASS_THOUSANDTHS = 995;
const SOFT_THOUSANDTHS = 980;

/**
 * Judges the cycles of one class by the bound of `fencing-quorum-sessions.md` 2.9: of what was acknowledged, the part
 * that reached both peers. Refused writes that got there all the same do not make it larger: no cycle counts for more
 * than it acknowledged. Beyond the bound: an acknowledgement without its
 * quorum is a hard fail, however well everything converges later; and it is no pass if a fault was not seen to happen
 * or nothing was acknowledged at all, because that shows nothing.
 */
export function judgeClass(fault: FaultClass, cycles: readonly CycleEvidence[]): ClassSummary {
  const sum = (read: (evidence: CycleEvidence) => number): number =>
    cycles.reduce((total, evidence) => total + read(evidence), 0);
  const ok = sum(({ line }) => line.ok);
  const converged = sum(({ line }) => Math.min(line.count_node1, line.count_node2, line.ok));
  const thousandths = ok === 0 ? 1_000 : Math.floor((converged * 1_000) / ok);
  const fail = sum(({ line }) => line.fail);
  const confirmed = sum(({ isConfirmed }) => (isConfirmed ? 1 : 0));
  const tooEarly = sum((evidence) => evidence.tooEarly);
  const underReplicated = sum((evidence) => evidence.underReplicated);
  const hard = [
    ...(thousandths < SOFT_THOUSANDTHS ? [`${converged} of ${ok} reached both peers, below 0.980`] : []),
    ...(tooEarly > 0 ? [`${tooEarly} acknowledged while no peer could be reached`] : []),
    ...(underReplicated > 0 ? [`${underReplicated} acknowledged and on fewer than ${QUORUM} nodes`] : []),
  ];
  const soft = [
    ...(thousandths >= SOFT_THOUSANDTHS && thousandths < PASS_THOUSANDTHS
      ? [`${converged} of ${ok} reached both peers, below 0.995`]
      : []),
    ...(fail > 0 ? [`${fail} failed: ${firstFailure(cycles)}`] : []),
    ...(confirmed < cycles.length
      ? [`the fault was not seen to happen in ${cycles.length - confirmed} of ${cycles.length} cycles`]
      : []),
    ...(ok === 0 ? ["nothing was acknowledged"] : []),
  ];
  return {
    fault,
    kind: FAULT_LABELS[fault].kind,
    cycles: cycles.length,
    total_writes: sum(({ line }) => line.writes),
    total_ok: ok,
    total_quorum_not_met: sum(({ line }) => line.quorum_not_met),
    quorum_not_met_reasons: tally(cycles.flatMap(({ refusals }) => refusals)),
    total_fail: fail,
    convergence_bound: thousandths / 1_000,
    faults_confirmed: confirmed,
    too_early: tooEarly,
    under_replicated: underReplicated,
    verdict: hard.length > 0 ? "hard fail" : soft.length > 0 ? "soft fail" : "pass",
    reasons: [...hard, ...soft],
  };
}

/** The worst of the classes; a campaign without a class has shown nothing. */
export function judgeCampaign(classes: readonly ClassSummary[]): Verdict {
  if (classes.some(({ verdict }) => verdict === "hard fail")) return "hard fail";
  return classes.length === 0 || classes.some(({ verdict }) => verdict === "soft fail") ? "soft fail" : "pass";
}

function tally(texts: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

function firstFailure(cycles: readonly CycleEvidence[]): string {
  return cycles.flatMap(({ failures }) => failures)[0] ?? "no text";
}
