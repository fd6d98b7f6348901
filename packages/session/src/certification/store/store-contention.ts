// SPDX-License-Identifier: Apache-2.0

import type { TakeoverRequest } from "@tsoracle/fencing";
import { systemTimers } from "@tsoracle/quorum";
import { snapshotJournal } from "../../backend.ts";
import type { SessionManager } from "../../manager/session-manager.ts";
import { plainTokens } from "../../token.ts";
import {
  CONTENTION_SCENARIOS,
  type ContentionBudget,
  type ContentionOutcome,
  type ContentionReport,
  type ContentionRun,
  type ContentionScenario,
  contentionOutcome,
  contentionReport,
} from "../contention.ts";
import { type ContentionEvent, tallyContention } from "../contention-tally.ts";
import type { CertificationOptions, CertifiedStore } from "./certified-store.ts";
import { answerOf, CertifiedWorld, type SumSession } from "./certified-world.ts";

const NODES = 8;
const EVERY = 4;
const STEP_MS = 10;
const backend = snapshotJournal("store", "store", EVERY);
const nodes: readonly number[] = Array.from({ length: NODES }, (_, index) => index);

/** What a store on this machine keeps with much to spare; a slower one needs budgets of its own. */
export function storeContentionBudgets(): readonly ContentionBudget[] {
  return CONTENTION_SCENARIOS.map((scenario) => ({
    scenario,
    maxLeaseWindowP95Ms: 5_000,
    maxCheckpointWindowEvents: EVERY - 1,
    maxReplayWindowMs: (EVERY - 1) * STEP_MS,
    maxQueueDepth: NODES,
    // Nodes come again without a pause, so how often depends on the store's rounds; more than this is no progress.
    maxRetryAttempts: 16 * NODES,
  }));
}

/**
 * The contention scenarios on a real store, each twice. Times are real, so two evaluations differ: pass the report to
 * `contentionPassed` with `allowNondeterminism`. Source: `fencing-quorum-sessions.md` 4.8.
 */
export async function runStoreContentionMatrix(
  store: CertifiedStore,
  options: CertificationOptions,
  budgets: readonly ContentionBudget[] = storeContentionBudgets(),
): Promise<ContentionReport> {
  const outcomes: ContentionOutcome[] = [];
  for (const budget of budgets) {
    const first = await evaluate(budget.scenario, store, options, 1);
    outcomes.push(contentionOutcome(budget, first, await evaluate(budget.scenario, store, options, 2)));
  }
  return contentionReport(outcomes);
}

/** What a scenario writes down. */
interface Notes {
  readonly events: ContentionEvent[];
  readonly broken: string[];
}

async function evaluate(
  scenario: ContentionScenario,
  store: CertifiedStore,
  options: CertificationOptions,
  run: number,
): Promise<ContentionRun> {
  const world = new CertifiedWorld(store, options, `${scenario}.${run}`);
  const notes: Notes = { events: [], broken: [] };
  const nowMs = options.nowMs ?? (() => systemTimers.monotonicMs());
  try {
    await play(scenario, world, notes, nowMs);
  } catch (error) {
    notes.broken.push(`the store answers, instead of ${await answerOf(Promise.reject(error))}`);
  } finally {
    world.end();
  }
  const refusals = world.events.flatMap((event): ContentionEvent[] =>
    event.kind === "claim_refused" ? [{ kind: "claim_refused", error: event.error }] : [],
  );
  return { metrics: tallyContention([...refusals, ...notes.events]), brokenFacts: notes.broken };
}

async function play(
  scenario: ContentionScenario,
  world: CertifiedWorld,
  notes: Notes,
  nowMs: () => number,
): Promise<void> {
  switch (scenario) {
    case "ownership_fencing_contention":
      return await claimsOfAllKinds(world, notes);
    case "lease_renewal_contention":
      return await renewalsAtOnce(world, notes, nowMs);
    case "takeover_queue_retry_pressure":
      return await takeoversAtOnce(world, notes);
    case "checkpoint_replay_windows":
      return await deathsAtEveryPoint(world, notes);
    default:
      return scenario satisfies never;
  }
}

async function managers(world: CertifiedWorld): Promise<SessionManager<number, number>[]> {
  return await Promise.all(nodes.map((node) => world.manager(node, `node-${node}`, { backend })));
}

/** In each round one node takes over, and all others try at one time with its epoch, an older one and a false token. */
async function claimsOfAllKinds(world: CertifiedWorld, { events, broken }: Notes): Promise<void> {
  const all = await managers(world);
  (await all[0]?.open(world.id))?.abandon();
  for (const [round, winner] of all.entries()) {
    const owned = await winner.takeover(world.id);
    events.push({ kind: "takeover" });
    const { epoch } = owned.fence;
    const attempts = all.flatMap((loser) =>
      loser === winner
        ? []
        : [[loser, epoch, ""] as const, [loser, epoch - 1n, ""] as const, [loser, epoch + 1n, "0"] as const],
    );
    // One claim at a time for each node: a manager opens a session once.
    for (let kind = 0; kind < 3; kind += 1) {
      await Promise.all(
        attempts
          .filter((_, index) => index % 3 === kind)
          .map(async ([loser, wanted, spoilt]) => {
            const token = plainTokens.expected(world.id, loser.node, wanted) + spoilt;
            const answer = await answerOf(
              loser.takeover(world.id, { claim: { owner: loser.node, epoch: wanted, token } }),
            );
            if (answer === "accepted") broken.push(`${loser.node} is refused in round ${round}`);
          }),
      );
    }
    if ((await answerOf(owned.append(1))) !== "accepted")
      broken.push(`${winner.node} owns the session after its round`);
    owned.abandon();
  }
}

/** Each node has a session, and all want to know at one moment whether they still own it. */
async function renewalsAtOnce(world: CertifiedWorld, { events, broken }: Notes, nowMs: () => number): Promise<void> {
  const sessions = await Promise.all(
    (await managers(world)).map((manager) => manager.open(`${world.id}.${manager.node}`)),
  );
  let waiting = 0;
  await Promise.all(
    sessions.map(async (session) => {
      waiting += 1;
      events.push({ kind: "lease_queue", depth: waiting });
      const from = nowMs();
      const answer = await answerOf(session.confirm());
      events.push({ kind: "lease_window", ms: Math.max(nowMs() - from, Number.EPSILON) });
      waiting -= 1;
      if (answer !== "accepted") broken.push(`${session.fence.owner} keeps its fence`);
    }),
  );
}

/** Every node has its claim before any is made; the newest is made first, so all others must come again. */
async function takeoversAtOnce(world: CertifiedWorld, { events, broken }: Notes): Promise<void> {
  const all = await managers(world);
  (await all[0]?.open(world.id))?.abandon();
  const claims: [SessionManager<number, number>, TakeoverRequest][] = [];
  for (const manager of all) claims.push([manager, await manager.claimFor(world.id)]);
  const owners: SumSession[] = [];
  let waiting = 0;
  const take = async (manager: SessionManager<number, number>, claim: TakeoverRequest): Promise<void> => {
    waiting += 1;
    events.push({ kind: "takeover_queue", depth: waiting });
    for (let mine = claim; ; mine = await manager.claimFor(world.id)) {
      const session = await manager.takeover(world.id, { claim: mine, reconnect: false }).catch((error: unknown) => {
        if ((error as { readonly code?: unknown }).code !== "stale_owner") throw error;
        return undefined;
      });
      if (session !== undefined) {
        owners.push(session);
        break;
      }
      events.push({ kind: "retry" });
    }
    waiting -= 1;
    events.push({ kind: "takeover" });
  };
  const newest = claims.pop();
  if (newest !== undefined) await take(...newest);
  await Promise.all(claims.map((claim) => take(...claim)));
  const answers = await Promise.all(owners.map((session) => answerOf(session.confirm())));
  if (owners.length !== NODES) broken.push("every node takes over once");
  const kept = owners.filter((_, index) => answers[index] === "accepted").map(({ fence }) => fence.epoch);
  const newestOwns = owners.every(({ fence }) => kept.length === 1 && fence.epoch <= (kept[0] ?? 0n));
  if (!newestOwns) broken.push("the newest claim owns the session, and nobody else");
}

/** The owner dies after each possible number of entries; a successor reads what stands after the last snapshot. */
async function deathsAtEveryPoint(world: CertifiedWorld, { events, broken }: Notes): Promise<void> {
  const [first, second] = await managers(world);
  if (first === undefined || second === undefined) return;
  for (let entries = 0; entries <= 2 * EVERY; entries += 1) {
    const id = `${world.id}.${entries}`;
    const session = await first.open(id);
    for (let entry = 0; entry < entries; entry += 1) await session.append(1);
    // A snapshot that became due is taken before this answer.
    await session.confirm();
    session.abandon();
    const successor = await second.takeover(id);
    const behind = successor.recovery.entries.length;
    events.push({ kind: "replayed", events: behind, ms: behind * STEP_MS });
    if (successor.state !== entries) broken.push(`nothing is lost of ${entries} entries`);
  }
}
