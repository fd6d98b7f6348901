// SPDX-License-Identifier: Apache-2.0
import { snapshotJournal } from "../backend.ts";
import { valid } from "../check-session.ts";
import type { DurableSession } from "../durable-session.ts";
import { compact } from "../recover.ts";
import { start } from "../start.ts";
import { requestTakeover } from "../takeover.ts";
import { plainTokens } from "../token.ts";
import { appendCounterDelta, crash, reconnect, restart } from "../transitions.ts";
import {
  CONTENTION_SCENARIOS,
  type ContentionBudget,
  type ContentionOutcome,
  type ContentionReport,
  type ContentionRun,
  type ContentionScenario,
  contentionOutcome,
  contentionReport,
} from "./contention.ts";
import { type ContentionEvent, tallyContention } from "./contention-tally.ts";

const NODES = 8;
const RENEWAL_MS = 5;
const STEP_MS = 10;
const CHECKPOINT_EVERY = 4;

/** What the model needs under {@link NODES} nodes, exactly: a change of the model shows as a broken budget. */
export function modelContentionBudgets(): readonly ContentionBudget[] {
  return CONTENTION_SCENARIOS.map((scenario) => ({
    scenario,
    maxLeaseWindowP95Ms: NODES * RENEWAL_MS,
    maxCheckpointWindowEvents: CHECKPOINT_EVERY - 1,
    maxReplayWindowMs: (CHECKPOINT_EVERY - 1) * STEP_MS,
    maxQueueDepth: NODES,
    maxRetryAttempts: NODES - 1,
  }));
}

/**
 * Evaluates a scenario on the model, once, in virtual time. Real stores need an evaluation of their own;
 * `tallyContention`, `contentionOutcome` and `contentionReport` judge either.
 * Source: `fencing-quorum-sessions.md` 4.8.
 */
export function evaluateContentionScenario(scenario: ContentionScenario): ContentionRun {
  switch (scenario) {
    case "ownership_fencing_contention":
      return claimsOfAllKinds();
    case "lease_renewal_contention":
      return renewalsAtOnce();
    case "takeover_queue_retry_pressure":
      return takeoversInTheWorstOrder();
    case "checkpoint_replay_windows":
      return crashesAtEveryPoint();
    default:
      return scenario satisfies never;
  }
}

/** All scenarios on the model, each twice. */
export function runContentionMatrix(budgets: readonly ContentionBudget[] = modelContentionBudgets()): ContentionReport {
  return contentionReport(
    budgets.map((budget): ContentionOutcome => {
      const evaluate = (): ContentionRun => evaluateContentionScenario(budget.scenario);
      return contentionOutcome(budget, evaluate(), evaluate());
    }),
  );
}

const nodes: readonly string[] = Array.from({ length: NODES }, (_, index) => `node-${index}`);

function started(owner: string): DurableSession {
  return start(
    {
      sessionId: "contended",
      owner,
      route: "/counter",
      backend: snapshotJournal("pg", "redis", CHECKPOINT_EVERY),
      resumePolicy: "rehydrate",
      nowMs: 0,
      continuitySloMs: 250,
      maxDataLossEvents: 0,
    },
    plainTokens,
  );
}

interface Claim {
  readonly session: DurableSession;
  readonly accepted: boolean;
  readonly events: readonly ContentionEvent[];
}

function claim(session: DurableSession, owner: string, epoch: bigint, nowMs: number, forged = false): Claim {
  const right = plainTokens.expected(session.snapshot.sessionId, owner, epoch);
  const request = { owner, epoch, token: forged ? `${right}0` : right };
  const result = requestTakeover(session, request, nowMs, plainTokens);
  if (!result.ok) return { session, accepted: false, events: [{ kind: "claim_refused", error: result.error }] };
  const events: ContentionEvent[] = result.renewed ? [] : [{ kind: "takeover" }];
  return { session: result.session, accepted: true, events };
}

/** In each round one node takes over, and all others try with its epoch, with an older one and with a false token. */
function claimsOfAllKinds(): ContentionRun {
  let session = started("node-0");
  const events: ContentionEvent[] = [];
  const brokenFacts: string[] = [];
  for (const [round, winner] of nodes.entries()) {
    const epoch = BigInt(round + 2);
    const won = claim(session, winner, epoch, round);
    session = won.session;
    events.push(...won.events);
    for (const loser of nodes.filter((node) => node !== winner)) {
      const attempts = [
        claim(session, loser, epoch, round),
        claim(session, loser, epoch - 1n, round),
        claim(session, loser, epoch + 1n, round, true),
      ];
      events.push(...attempts.flatMap((attempt) => attempt.events));
      if (attempts.some(({ accepted }) => accepted)) brokenFacts.push(`${loser} is refused in round ${round}`);
    }
    if (session.fence.owner !== winner) brokenFacts.push(`${winner} owns the session after round ${round}`);
  }
  return { metrics: tallyContention(events), brokenFacts };
}

/** All nodes want to renew at one moment, and one renewal is served after the other. */
function renewalsAtOnce(): ContentionRun {
  const events: ContentionEvent[] = [];
  const brokenFacts: string[] = [];
  for (const [served, node] of nodes.entries()) {
    const owned = started(node);
    const answeredAt = (served + 1) * RENEWAL_MS;
    const renewal = claim(owned, node, owned.fence.epoch, answeredAt);
    events.push({ kind: "lease_queue", depth: NODES - served }, { kind: "lease_window", ms: answeredAt });
    events.push(...renewal.events);
    if (!renewal.accepted || renewal.session.fence !== owned.fence) brokenFacts.push(`${node} keeps its fence`);
  }
  return { metrics: tallyContention(events), brokenFacts };
}

/** Each node has its epoch before it queues; the highest is served first, so all others must come again. */
function takeoversInTheWorstOrder(): ContentionRun {
  let session = started("node-0");
  let minted = 1n;
  const events: ContentionEvent[] = [];
  const owners: bigint[] = [];
  const queue = nodes.map((node) => {
    minted += 1n;
    return { node, epoch: minted };
  });
  queue.reverse();
  for (let nowMs = 0; queue.length > 0; nowMs += STEP_MS) {
    events.push({ kind: "takeover_queue", depth: queue.length });
    const next = queue.shift();
    if (next === undefined) break;
    const attempt = claim(session, next.node, next.epoch, nowMs);
    session = attempt.session;
    events.push(...attempt.events);
    if (attempt.accepted) {
      owners.push(next.epoch);
    } else {
      minted += 1n;
      queue.push({ node: next.node, epoch: minted });
      events.push({ kind: "retry" });
    }
  }
  const rising = owners.every((epoch, index) => index === 0 || epoch > (owners[index - 1] ?? epoch));
  return {
    metrics: tallyContention(events),
    brokenFacts: rising && owners.length === NODES ? [] : ["every node takes over once, each with a higher epoch"],
  };
}

/** A crash after each possible number of deltas; recovery replays what stands after the last snapshot. */
function crashesAtEveryPoint(): ContentionRun {
  const events: ContentionEvent[] = [];
  const brokenFacts: string[] = [];
  for (let deltas = 0; deltas <= 2 * CHECKPOINT_EVERY; deltas += 1) {
    let session = started("node-0");
    for (let count = 1; count <= deltas; count += 1) {
      session = appendCounterDelta(session, 1, count * STEP_MS);
      if (count % CHECKPOINT_EVERY === 0) session = compact(session);
    }
    const behind = session.journalRev.length;
    events.push({ kind: "replayed", events: behind, ms: behind * STEP_MS });
    const back = reconnect(restart(crash(session, "killed"), 200), "rehydrate", "/counter", 210);
    if (back.snapshot.counter !== deltas || !valid(back, plainTokens)) {
      brokenFacts.push(`nothing is lost of ${deltas} deltas`);
    }
  }
  return { metrics: tallyContention(events), brokenFacts };
}
