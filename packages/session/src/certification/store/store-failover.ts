// SPDX-License-Identifier: Apache-2.0
import { journalOnly, type PersistenceBackend, snapshotJournal, snapshotOnly } from "../../backend.ts";
import { valid } from "../../check-session.ts";
import { backendLabel, ownershipErrorLabel } from "../../labels.ts";
import type { SessionManager } from "../../manager/session-manager.ts";
import { continuitySignature, signature } from "../../signatures.ts";
import { RESUME_POLICIES } from "../../state.ts";
import { plainTokens } from "../../token.ts";
import {
  FAILOVER_SCENARIOS,
  type FailoverReport,
  type FailoverScenario,
  failoverOutcome,
  failoverReport,
} from "../failover.ts";
import { type ScenarioFact, type ScenarioResult, scenarioResult } from "../scenario-result.ts";
import type { CertificationOptions, CertifiedStore } from "./certified-store.ts";
import { answerOf, CertifiedWorld, type SumSession, type WorldOptions } from "./certified-world.ts";

/**
 * The five failover scenarios on a real store, each twice on sessions of its own. The facts are those of the model where
 * the model says what a store must do; what a store may lose, the run counts.
 * Source: `fencing-quorum-sessions.md` 4.8 and 6.6, row G11.
 */
export async function runStoreFailoverMatrix(
  store: CertifiedStore,
  options: CertificationOptions,
): Promise<FailoverReport> {
  const outcomes = [];
  for (const scenario of FAILOVER_SCENARIOS) {
    const first = await evaluate(scenario, store, options, 1);
    outcomes.push(failoverOutcome(scenario, first, await evaluate(scenario, store, options, 2)));
  }
  return failoverReport(outcomes);
}

async function evaluate(
  scenario: FailoverScenario,
  store: CertifiedStore,
  options: CertificationOptions,
  run: number,
): Promise<ScenarioResult> {
  let worlds = 0;
  const opened: CertifiedWorld[] = [];
  const world = (): CertifiedWorld => {
    worlds += 1;
    const made = new CertifiedWorld(store, options, `${scenario}.${run}.${worlds}`);
    opened.push(made);
    return made;
  };
  try {
    return scenarioResult(await factsOf(scenario, world));
  } catch (error) {
    // A store that refuses where a scenario needs an answer has not passed it.
    return scenarioResult([{ seen: await answerOf(Promise.reject(error)), holds: false }]);
  } finally {
    for (const each of opened) each.end();
  }
}

type NewWorld = () => CertifiedWorld;

async function factsOf(scenario: FailoverScenario, world: NewWorld): Promise<ScenarioFact[]> {
  switch (scenario) {
    case "supported_backends":
      return await inTurn(backends(2), (backend) => survivesADeath(world(), backend));
    case "ownership_fencing":
      return await ownershipFacts(world());
    case "crash_restart_failover":
      return await failoverFacts(world());
    case "resume_policy_matrix":
      return (await inTurn(backends(2), (backend) => policyFacts(world, backend))).flat();
    case "reconnect_continuity_slo":
      return (await inTurn(backends(3), (backend) => continuityFacts(world, backend))).flat();
    default:
      return scenario satisfies never;
  }
}

/** One of each kind, with the snapshots that `every` says. */
function backends(every: number): readonly PersistenceBackend[] {
  return [snapshotOnly("store", every), journalOnly("store"), snapshotJournal("store", "store", every)];
}

async function inTurn<Item, T>(items: readonly Item[], work: (item: Item) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  for (const item of items) answers.push(await work(item));
  return answers;
}

/** Two entries, which make 3, by node-a. */
async function begun(world: CertifiedWorld, options: WorldOptions): Promise<SumSession> {
  const session = await (await world.manager(0, "node-a", options)).open(world.id, { route: "/counter" });
  await world.add(session, 5, -2);
  // A snapshot that became due is taken before this answer, in every evaluation.
  await session.confirm();
  return session;
}

async function stateFact(world: CertifiedWorld, session: SumSession, sum: number): Promise<ScenarioFact> {
  await session.confirm();
  const reader = await world.manager(1, "reader", { backend: session.model.backend });
  const stored = await reader.inspect(world.id);
  const holds =
    valid(session.model, plainTokens) &&
    valid(stored.model, plainTokens) &&
    [session.state, stored.state, session.model.snapshot.counter].every((seen) => seen === sum) &&
    session.lifecycle === "live";
  return { seen: world.anonymous(signature(stored.model)), holds };
}

/** The owner dies without a word. */
async function survivesADeath(world: CertifiedWorld, backend: PersistenceBackend): Promise<ScenarioFact> {
  (await begun(world, { backend })).abandon();
  const successor = await (await world.manager(1, "node-b", { backend })).takeover(world.id);
  return await stateFact(world, successor, 3);
}

async function ownershipFacts(world: CertifiedWorld): Promise<ScenarioFact[]> {
  const options = { backend: snapshotJournal("store", "store", 3) };
  world.epochsAbove(1n);
  const session = await begun(world, options);
  const claimants = new Map<string, SessionManager<number, number>>();
  const rows: readonly [owner: string, epoch: bigint, rightToken: boolean, answer: string][] = [
    ["node-b", 1n, true, "stale_owner:2:1"],
    ["node-a", 0n, false, "stale_owner:2:0"],
    ["node-b", 2n, true, "split_brain:node-a:node-b:2"],
    ["node-b", 2n, false, "split_brain:node-a:node-b:2"],
    ["node-a", 2n, false, "invalid_token:node-a:2"],
    // The model renews here; a manager that begins anew must not share the fence of the process before it.
    ["node-a", 2n, true, "reused_epoch"],
    ["node-b", 3n, false, "invalid_token:node-b:3"],
    ["node-b", 900n, true, "accepted"],
  ];
  const facts = await inTurn(rows, async ([owner, epoch, rightToken, expected]): Promise<ScenarioFact> => {
    const claimant = claimants.get(owner) ?? (await world.manager(1, owner, options));
    claimants.set(owner, claimant);
    const right = plainTokens.expected(world.id, owner, epoch);
    const claim = { owner, epoch, token: rightToken ? right : `${right}0` };
    const seen = await labelOf(claimant.takeover(world.id, { claim }));
    return { seen, holds: seen === expected };
  });
  const late = await answerOf(session.append(1));
  return [...facts, { seen: late, holds: late === "fenced" && session.signal.aborted }];
}

async function labelOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const refused = (error as { readonly ownership?: Parameters<typeof ownershipErrorLabel>[0] }).ownership;
    return refused === undefined ? await answerOf(Promise.reject(error)) : ownershipErrorLabel(refused);
  }
  return "accepted";
}

async function failoverFacts(world: CertifiedWorld): Promise<ScenarioFact[]> {
  const options = { backend: snapshotJournal("store", "store", 3) };
  const session = await begun(world, options);
  await session.crash("killed");
  world.nowMs = 1_100;
  const taken = await (await world.manager(1, "node-b", options)).takeover(world.id, { reconnect: false });
  world.nowMs = 1_110;
  await taken.restart();
  world.nowMs = 1_150;
  await taken.reconnect({ policy: "rehydrate", route: "/counter" });
  const back = await stateFact(world, taken, 3);
  const late = await answerOf(session.confirm());
  await world.add(taken, 1);
  return [back, { seen: late, holds: late === "fenced" }, await stateFact(world, taken, 4)];
}

async function policyFacts(newWorld: NewWorld, backend: PersistenceBackend): Promise<ScenarioFact[]> {
  return await inTurn(RESUME_POLICIES, async (policy) => {
    const world = newWorld();
    const session = await begun(world, { backend });
    await session.crash("killed");
    await session.reconnect({ policy, route: "/other" });
    return await stateFact(world, session, policy === "remount" ? 0 : 3);
  });
}

/** The owner dies after two entries and its successor is there 120, 250 and 251 ms later: what is lost is counted. */
async function continuityFacts(newWorld: NewWorld, backend: PersistenceBackend): Promise<ScenarioFact[]> {
  return await inTurn([1_150, 1_280, 1_281], async (reconnectAtMs) => {
    const world = newWorld();
    const session = await begun(world, { backend });
    const promised = session.continuityReport(1_030, reconnectAtMs);
    session.abandon();
    world.nowMs = reconnectAtMs;
    const successor = await (await world.manager(1, "node-b", { backend })).takeover(world.id, {
      failoverAtMs: 1_030,
      acknowledged: { epoch: session.fence.epoch, seq: session.seq },
    });
    const report = successor.continuity;
    const lost = session.seq - successor.recovery.snapshotSeq - successor.recovery.entries.length;
    const holds =
      report !== undefined &&
      continuitySignature(report) === continuitySignature(promised) &&
      report.estimatedDataLossEvents === lost &&
      report.met === reconnectAtMs - 1_030 <= 250;
    return { seen: `${backendLabel(backend)} ${report === undefined ? "" : continuitySignature(report)}`, holds };
  });
}
