// SPDX-License-Identifier: Apache-2.0
import { attemptWithin } from "./attempt.ts";
import type { Clause } from "./clause.ts";
import type { ClauseId } from "./clause-id.ts";
import { deriveSeed } from "./random.ts";
import type { Settings } from "./settings.ts";
import type { Subject } from "./subject.ts";
import { TrialRun } from "./trial-run.ts";
import { type Attempt, judge, plan, type Verdict } from "./verdict.ts";

/** Closing a universe takes at most this long before the clause fails, in milliseconds. */
const TEARDOWN_MS = 15_000;

/** Runs one clause on one subject: plans, tries it with each seed until one fails, judges. */
export async function runClause(id: ClauseId, clause: Clause, subject: Subject, settings: Settings): Promise<Verdict> {
  const planned = plan(id, clause, subject);
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

async function attemptAll(id: ClauseId, clause: Clause, subject: Subject, settings: Settings): Promise<Attempt> {
  const runs = clause.runs === undefined ? 1 : (settings.runs ?? clause.runs);
  for (let run = 0; run < runs; run += 1) {
    const outcome = await attemptOnce(id, clause, subject, settings.seed + run, settings.timeoutMs);
    if (outcome.how !== "passed") return outcome;
  }
  return { how: "passed" };
}

async function attemptOnce(
  id: ClauseId,
  clause: Clause,
  subject: Subject,
  seed: number,
  timeoutMs: number,
): Promise<Attempt> {
  const time = new AbortController();
  let trial: TrialRun | undefined;
  const body = async (): Promise<void> => {
    trial = await TrialRun.start(clause, subject, deriveSeed(seed, id), time.signal);
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
