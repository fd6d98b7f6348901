// SPDX-License-Identifier: Apache-2.0
import { attemptWithin } from "../attempt.ts";
import { deriveSeed } from "../random.ts";
import type { Settings } from "../settings.ts";
import { type Attempt, judge, type Plan, type Verdict } from "../verdict.ts";
import type { JournalClauseId } from "./clause-id.ts";
import type { JournalClause } from "./journal-clause.ts";
import type { JournalSubject } from "./journal-subject.ts";
import { JournalTrialRun } from "./journal-trial-run.ts";

/** Closing a universe takes at most this long before the clause fails, in milliseconds. */
const TEARDOWN_MS = 15_000;

/** Decides what to do with a clause, from data alone. */
export function planJournalClause(id: JournalClauseId, clause: JournalClause, subject: JournalSubject): Plan {
  const reason = clause.inapplicable?.(subject) ?? tooFewNodes(clause, subject);
  if (reason !== undefined) return { kind: "not-applicable", reason };
  const missing = clause.needs.filter((fault) => !subject.faults.includes(fault));
  if (missing.length === 0) return { kind: "run", gap: subject.gaps?.[id] };
  const reasons = missing.map((fault) => subject.waivers?.[fault] ?? "");
  const waiver = reasons.includes("") ? undefined : [...new Set(reasons)].join("; ");
  return { kind: "unexercised", lacking: `cannot inject ${missing.join(", ")}`, waiver };
}

function tooFewNodes({ nodes = 1 }: JournalClause, subject: JournalSubject): string | undefined {
  return subject.nodes < nodes ? `it is about ${nodes} nodes, and ${subject.nodes} can have the store open` : undefined;
}

/** Runs one clause on one subject: plans, tries it with each seed until one fails, judges. */
export async function runJournalClause(
  id: JournalClauseId,
  clause: JournalClause,
  subject: JournalSubject,
  settings: Settings,
): Promise<Verdict> {
  const planned = planJournalClause(id, clause, subject);
  switch (planned.kind) {
    case "not-applicable":
      return { outcome: "not-applicable", reason: planned.reason };
    case "unexercised":
      return { outcome: "unexercised", lacking: planned.lacking, waiver: planned.waiver };
    case "run":
      return judge(planned.gap, await attemptAll(id, clause, subject, settings));
    default:
      return planned satisfies never;
  }
}

async function attemptAll(
  id: JournalClauseId,
  clause: JournalClause,
  subject: JournalSubject,
  settings: Settings,
): Promise<Attempt> {
  const runs = clause.runs === undefined ? 1 : (settings.runs ?? clause.runs);
  for (let run = 0; run < runs; run += 1) {
    const attempt = await attemptOnce(id, clause, subject, settings.seed + run, settings.timeoutMs);
    if (attempt.how !== "passed") return attempt;
  }
  return { how: "passed" };
}

async function attemptOnce(
  id: JournalClauseId,
  clause: JournalClause,
  subject: JournalSubject,
  seed: number,
  timeoutMs: number,
): Promise<Attempt> {
  const time = new AbortController();
  let trial: JournalTrialRun | undefined;
  const body = async (): Promise<void> => {
    trial = await JournalTrialRun.start(clause, subject, deriveSeed(seed, id), time.signal);
    await clause.body(trial);
  };
  const attempt = await attemptWithin(timeoutMs, body(), seed);
  time.abort(new Error("the clause is over"));
  const teardown = async (): Promise<void> => trial?.[Symbol.asyncDispose]();
  const closed = await attemptWithin(TEARDOWN_MS, teardown(), seed);
  if (attempt.how !== "passed" || closed.how === "passed") return attempt;
  // A failing teardown says nothing about the clause, not even where it threw an assertion.
  return closed.how === "broken" ? { ...closed, how: "crashed" } : closed;
}
