// SPDX-License-Identifier: Apache-2.0
import { systemTimers } from "@tsoracle/quorum";
import { snapshotJournal } from "../../backend.ts";
import {
  BACKEND_PRESSURES,
  type BackendObservation,
  type BackendPressure,
  type BackendSloBudget,
  type DurableBackendContract,
  type DurableBackendReport,
  durableBackendReport,
} from "../durable-backend.ts";
import type { CertificationOptions, CertifiedStore, Relief } from "./certified-store.ts";
import { answerOf, CertifiedWorld, type SumSession } from "./certified-world.ts";

/** Entries that the owner has acknowledged before anything is done to its store. */
const ENTRIES = 7;
const backend = snapshotJournal("store", "store", 3);

/** What a store on this machine keeps with much to spare; a slower one needs budgets of its own. */
export function storePressureBudgets(): readonly BackendSloBudget[] {
  return BACKEND_PRESSURES.map((pressure) => ({
    pressure,
    maxTakeoverMs: 10_000,
    maxRecoveryMs: 10_000,
    maxDataLossEvents: 0,
  }));
}

/**
 * Lets an owner be taken over while the store is well, slow, or out of its reach, and judges what that cost by the
 * contract and the budgets. A pressure under which no takeover came about is reported as not observed.
 * Source: `fencing-quorum-sessions.md` 4.8 and 6.6, row G12.
 *
 * @throws TypeError for a store that offers no means to a pressure of its contract.
 */
export async function runStorePressureMatrix(
  store: CertifiedStore,
  options: CertificationOptions,
  contract: DurableBackendContract,
  budgets: readonly BackendSloBudget[] = storePressureBudgets(),
): Promise<DurableBackendReport> {
  const observations: BackendObservation[] = [];
  for (const pressure of contract.supportedPressures) {
    const world = new CertifiedWorld(store, options, pressure);
    try {
      observations.push(await observe(world, store, options, contract, pressure));
    } catch (error) {
      // What was not observed fails in the report. A harness without the means is no finding about the store.
      if (error instanceof TypeError) throw error;
    } finally {
      world.end();
    }
  }
  return durableBackendReport([contract], budgets, observations);
}

async function observe(
  world: CertifiedWorld,
  store: CertifiedStore,
  options: CertificationOptions,
  contract: DurableBackendContract,
  pressure: BackendPressure,
): Promise<BackendObservation> {
  const nowMs = options.nowMs ?? (() => systemTimers.monotonicMs());
  const settings = {
    backend,
    continuitySloMs: contract.continuitySloMs,
    maxDataLossEvents: contract.maxDataLossEvents,
  };
  const owner = await world.manager(0, "node-a", settings);
  const successor = await world.manager(1, "node-b", settings);
  const old = await owner.open(world.id);
  for (let entry = 1; entry <= ENTRIES; entry += 1) await old.append(1);
  const relieve = await pressed(store, pressure);
  let relieved = false;
  try {
    const from = nowMs();
    const taken = await successor.takeover(world.id, {
      acknowledged: { epoch: old.fence.epoch, seq: old.seq },
    });
    const takeoverMs = Math.round(nowMs() - from);
    await taken.append(1);
    const recoveryMs = Math.round(nowMs() - from);
    world.nowMs += recoveryMs;
    const lost = Math.max(0, ENTRIES + 1 - taken.state);
    await relieve();
    relieved = true;
    const fenceRejections = await refusals(old);
    const continuityMet = recoveryMs <= contract.continuitySloMs && lost <= contract.maxDataLossEvents;
    return {
      backend: contract.name,
      pressure,
      takeoverMs,
      recoveryMs,
      fenceRejections,
      dataLossEvents: lost,
      continuityMet,
    };
  } finally {
    if (!relieved) await relieve();
  }
}

async function pressed(store: CertifiedStore, pressure: BackendPressure): Promise<Relief> {
  const nothing: Relief = () => {};
  switch (pressure) {
    case "nominal":
      return nothing;
    case "dependency_degraded":
      return await injected(store, "slowDown");
    case "dependency_partitioned":
      return await injected(store, "cutOff");
    default:
      return pressure satisfies never;
  }
}

/** A pressure that nobody can make must not pass for one that did no harm. */
async function injected(store: CertifiedStore, how: "slowDown" | "cutOff"): Promise<Relief> {
  const inject = store[how]?.bind(store);
  if (inject === undefined) throw new TypeError(`store ${JSON.stringify(store.name)}: expected a function ${how}()`);
  return await inject();
}

/** The deposed owner asks until the store answers it again; how often it was told that it is fenced. */
async function refusals(old: SumSession): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if ((await answerOf(old.append(1))) === "accepted") return 0;
    if ((old.signal.reason as { readonly code?: unknown } | undefined)?.code === "fenced") return 1;
  }
  return 0;
}
