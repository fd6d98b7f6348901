// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { type Attempt, runBurst } from "./burst.ts";
import type { Cluster, NodeRun } from "./cluster.ts";
import { CLIENT_TIMEOUT_MS, FAULT_MS, WRITES_AT_ONCE } from "./fault.ts";
import { httpCall } from "./http-call.ts";
import { type FaultOutcome, inject } from "./inject.ts";
import {
  acknowledgedBelowQuorum,
  acknowledgedWithin,
  type CycleEvidence,
  type CycleLine,
  type WriteResult,
} from "./judge.ts";
import type { CyclePlan } from "./plan.ts";

/** A write is bounded by its deadline and its disk; this only ends what hangs. Milliseconds. */
const PATIENCE_MS = 60_000;

const monotonicMs = (): number => performance.now();

export interface CycleOptions {
  readonly cluster: Cluster;
  readonly plan: CyclePlan;
  readonly writes: number;
  /** A partition also lasts until a write that began in it has its answer, however long the disk takes for it. */
  readonly holdUntilAnswered: boolean;
}

/** Runs one cycle: a fresh store, the writes with the fault among them, the settling, the count. */
export async function runCycle(options: CycleOptions): Promise<CycleEvidence> {
  const { cluster, plan, writes } = options;
  const store = `${plan.fault}-${plan.cycle}`;
  if (plan.skewMs !== 0) await stateTime(cluster, plan, plan.skewMs);
  const { results, fault } = await writeUnderFault(options, store);
  // Attempts that are under way end within the client timeout, also those whose sender is dead.
  await sleep(CLIENT_TIMEOUT_MS);
  const settled = await ask(await cluster.primary(), "POST", `/stores/${store}/settle`);
  const copies = await Promise.all(
    ([0, 1, 2] as const).map(async (node) => {
      const { ids } = await ask(await cluster.node(node), "GET", `/stores/${store}`);
      return new Set(ids as readonly string[]);
    }),
  );
  if (plan.skewMs !== 0) await stateTime(cluster, plan, 0);
  const detailsOf = (outcome: WriteResult["outcome"]): readonly string[] =>
    results.filter((result) => result.outcome === outcome).map(({ detail }) => detail);
  const line: CycleLine = {
    cycle: plan.cycle,
    fault: plan.fault,
    writes,
    ok: detailsOf("ok").length,
    quorum_not_met: detailsOf("quorum_not_met").length,
    fail: detailsOf("fail").length,
    count_node0: copies[0]?.size ?? 0,
    count_node1: copies[1]?.size ?? 0,
    count_node2: copies[2]?.size ?? 0,
  };
  return {
    line,
    isConfirmed: fault.isConfirmed && leftItsMark(plan, results, Number(settled["skewWarnings"])),
    tooEarly: fault.isolated === undefined ? 0 : acknowledgedWithin(results, fault.isolated.from, fault.isolated.to),
    underReplicated: acknowledgedBelowQuorum(results, copies),
    failures: detailsOf("fail"),
    refusals: detailsOf("quorum_not_met"),
  };
}

/** A killed primary leaves writes to be repeated, and a wrong time is warned of. */
function leftItsMark({ fault }: CyclePlan, results: readonly WriteResult[], skewWarnings: number): boolean {
  if (fault === "kill_primary_mid_write") return results.some(({ repeats }) => repeats > 0);
  return fault !== "clock_skew_peer" || skewWarnings > 0;
}

async function writeUnderFault(
  { cluster, plan, writes, holdUntilAnswered }: CycleOptions,
  store: string,
): Promise<{ readonly results: readonly WriteResult[]; readonly fault: FaultOutcome }> {
  const answers = new Answers();
  const hold = async (): Promise<void> => {
    const answered = holdUntilAnswered && plan.fault === "partition_minority" ? answers.toNextWrite() : undefined;
    await Promise.all([sleep(FAULT_MS), answered]);
  };
  const begin = (): Promise<FaultOutcome> => inject(plan, cluster, { hold, monotonicMs });
  let fault = plan.afterAnswers === 0 ? begin() : undefined;
  const results = await runBurst({
    ids: Array.from({ length: writes }, (_, index) => `${store}-${index + 1}`),
    atOnce: WRITES_AT_ONCE,
    send: async (id) => {
      const answered = answers.watch();
      const attempt = await sendWrite(cluster, store, id);
      if (attempt.kind !== "lost") answered();
      return attempt;
    },
    onAnswer: (answered) => {
      if (answered === plan.afterAnswers) fault ??= begin();
    },
    monotonicMs,
  });
  if (fault === undefined) throw new Error(`the writes of cycle ${plan.cycle} ended before its fault began`);
  return { results, fault: await fault };
}

/** Tells when a write that begins after one has asked is answered. */
class Answers {
  #waiting: (() => void)[] = [];

  /** Called when a write begins; what it returns, when it is answered. */
  watch(): () => void {
    const early = this.#waiting;
    return () => {
      for (const resolve of early) resolve();
    };
  }

  toNextWrite(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = [resolve];
    });
  }
}

async function sendWrite(cluster: Cluster, store: string, id: string): Promise<Attempt> {
  const run = await cluster.primary();
  const url = `${run.address}/stores/${store}/writes/${id}`;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return { kind: "answer", answer: await httpCall(run.agent, "POST", url, `value of ${id}`, signal) };
  } catch (error) {
    if (cluster.isKilled(run)) return { kind: "lost" };
    return { kind: "broken", text: `the primary did not answer: ${(error as Error).message}` };
  }
}

async function stateTime(cluster: Cluster, { victim }: CyclePlan, skewMs: number): Promise<void> {
  await ask(await cluster.node(victim), "PUT", "/clock-skew", String(skewMs));
}

/** A question of the harness itself, which must be answered. */
async function ask(
  run: NodeRun,
  method: "GET" | "POST" | "PUT",
  path: string,
  body = "",
): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await httpCall(run.agent, method, `${run.address}${path}`, body, signal);
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(`${method} ${path} was answered with ${answer.status} ${answer.body}`);
  }
  return answer.body === "" ? {} : (JSON.parse(answer.body) as Readonly<Record<string, unknown>>);
}
