// SPDX-License-Identifier: Apache-2.0
import type { Clause } from "./clause.ts";
import type { ClauseId } from "./clause-id.ts";
import type { FaultName, Subject } from "./subject.ts";

/** What is done with a clause, decided before it runs. */
export type Plan =
  | { readonly kind: "run"; readonly gap: string | undefined }
  | { readonly kind: "not-applicable"; readonly reason: string }
  | {
      readonly kind: "unexercised";
      /** What the harness lacks, in words. */
      readonly lacking: string;
      /** Why it cannot have it: the reasons of the subject's waivers, if there is one for each lacking fault. */
      readonly waiver: string | undefined;
    };

/** How running a body went. */
export type Attempt =
  | { readonly how: "passed" }
  /** An assertion failed: the driver breaks the clause. */
  | { readonly how: "broken"; readonly error: unknown; readonly seed: number }
  /** Something else was thrown: nothing is known about the clause. */
  | { readonly how: "crashed"; readonly error: unknown; readonly seed: number }
  | { readonly how: "timed-out"; readonly afterMs: number; readonly seed: number };

export type Outcome = "pass" | "fail" | "gap-confirmed" | "gap-closed" | "not-applicable" | "unexercised";

/** Every outcome, in the order in which reports list them. */
export const OUTCOMES: readonly Outcome[] = [
  "pass",
  "fail",
  "gap-confirmed",
  "gap-closed",
  "not-applicable",
  "unexercised",
];

/** The finding on one clause. */
export type Verdict =
  | { readonly outcome: "pass" }
  | { readonly outcome: "fail"; readonly attempt: Exclude<Attempt, { how: "passed" }> }
  /** The driver breaks the clause, as its author says. */
  | { readonly outcome: "gap-confirmed"; readonly reason: string }
  /** The author says that the driver breaks the clause, and it does not. */
  | { readonly outcome: "gap-closed"; readonly reason: string }
  | { readonly outcome: "not-applicable"; readonly reason: string }
  | { readonly outcome: "unexercised"; readonly lacking: string; readonly waiver: string | undefined };

/** Decides what to do with a clause, from data alone. */
export function plan(id: ClauseId, clause: Clause, subject: Subject): Plan {
  const inapplicable = clause.inapplicable?.(subject);
  if (inapplicable !== undefined) return { kind: "not-applicable", reason: inapplicable };
  const nodes = clause.nodes ?? 1;
  if (subject.nodes < nodes) {
    // A cluster is never tested with fewer nodes than its clauses need: `validateSubject` sees to it.
    return { kind: "not-applicable", reason: `topology is single: it is about ${nodes} nodes` };
  }
  const missing = clause.needs.filter((fault) => !subject.faults.includes(fault));
  if (missing.length > 0) {
    return { kind: "unexercised", lacking: `cannot inject ${missing.join(", ")}`, waiver: waiverOf(missing, subject) };
  }
  return { kind: "run", gap: subject.gaps?.[id] };
}

function waiverOf(missing: readonly FaultName[], subject: Subject): string | undefined {
  const reasons = missing.map((fault) => subject.waivers?.[fault]?.trim() ?? "");
  return reasons.includes("") ? undefined : [...new Set(reasons)].join("; ");
}

/**
 * The finding, from what was planned and how it went. Only a failed assertion confirms a gap: a crash
 * or a timeout says nothing about the clause and fails.
 */
export function judge(gap: string | undefined, attempt: Attempt): Verdict {
  switch (attempt.how) {
    case "passed":
      return gap === undefined ? { outcome: "pass" } : { outcome: "gap-closed", reason: gap };
    case "broken":
      return gap === undefined ? { outcome: "fail", attempt } : { outcome: "gap-confirmed", reason: gap };
    case "crashed":
    case "timed-out":
      return { outcome: "fail", attempt };
    default:
      return attempt satisfies never;
  }
}

/** Whether a run with this finding may pass. In strict mode whatever was not exercised needs a reason. */
export function isGreen(verdict: Verdict, strict: boolean): boolean {
  switch (verdict.outcome) {
    case "pass":
    case "gap-confirmed":
    case "not-applicable":
      return true;
    case "unexercised":
      return !strict || verdict.waiver !== undefined;
    case "fail":
    case "gap-closed":
      return false;
    default:
      return verdict satisfies never;
  }
}

/** The finding in words: what a person needs besides the outcome; empty for a pass. */
export function explain(verdict: Verdict): string {
  switch (verdict.outcome) {
    case "pass":
      return "";
    case "gap-confirmed":
    case "not-applicable":
      return verdict.reason;
    case "gap-closed":
      return `the subject declares a gap here, but the clause holds; remove the gap (${verdict.reason})`;
    case "unexercised":
      return `${verdict.lacking}: ${verdict.waiver ?? "no waiver gives a reason"}`;
    case "fail":
      return explainFailure(verdict.attempt);
    default:
      return verdict satisfies never;
  }
}

function explainFailure(attempt: Exclude<Attempt, { how: "passed" }>): string {
  const replay = `replay with TSORACLE_SEED=${attempt.seed} TSORACLE_RUNS=1`;
  switch (attempt.how) {
    case "broken":
      return `${messageOf(attempt.error)} (${replay})`;
    case "crashed":
      return `the clause could not be judged: ${messageOf(attempt.error)} (${replay})`;
    case "timed-out":
      return `the clause could not be judged: no end after ${attempt.afterMs} ms (${replay})`;
    default:
      return attempt satisfies never;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
