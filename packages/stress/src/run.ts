// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { ClientFleet } from "./client-fleet.ts";
import type { PreparedStore } from "./drivers/stress-driver.ts";
import { Fleet } from "./fleet.ts";
import { History } from "./history.ts";
import { type InjectParts, inject, type Victim } from "./inject.ts";
import type { InjectedFault } from "./injected-fault.ts";
import { watchMachineLoad } from "./machine-load.ts";
import type { StressOptions } from "./options.ts";
import { Random } from "./random.ts";
import { buildReport, type StressReport } from "./report.ts";
import { faultSchedule, type PlannedFault } from "./schedule.ts";
import { SharedClock, TICKS_PER_MS } from "./shared-clock.ts";
import { UsageError } from "./usage-error.ts";

/** Longer than any election; a service that is not back by then is a failure of the service. */
const SERVICE_LIMIT_MS = 30_000;

/** Longer than any store needs to take a node back. */
const STORE_LIMIT_MS = 30_000;

interface Injection {
  readonly faults: readonly InjectedFault[];
  readonly problems: readonly string[];
}

/**
 * One run: starts the store, the servers and the clients, does the faults, and judges what the clients saw.
 *
 * @param say gets a line as each fault ends
 * @throws Error when the harness fails: no store, no server, a client process that dies
 * @throws UsageError when faults are asked of a store that the environment provides
 */
export async function runStress(options: StressOptions, say: (line: string) => void): Promise<StressReport> {
  const { driver, freshness, injectViolation, tenureCheck } = options;
  const clock = new SharedClock();
  const terms = { servers: driver.servers, freshness };
  const addresses = (await freePorts(driver.servers)).map((port) => `127.0.0.1:${port}`);
  await using store = await driver.prepare(terms, addresses);
  refuseWhatIsNotOurs(options, store);
  await using fleet = await Fleet.start({ driver, store, terms, tenureCheck, addresses });
  const history = new History({ corrupt: injectViolation });
  using clients = new ClientFleet(fleet.addresses, clock, (call) => history.add(call));
  await waitUntil("a first answer", () => history.newestPinned !== undefined, { timeoutMs: SERVICE_LIMIT_MS });
  const begin = clock.now();
  const machineLoad = watchMachineLoad();
  const isOvertaken = (server: number, since: number): boolean => history.overtaken(server, since, clock.now());
  const { faults, problems } = await injectAll(options, { fleet, clock, store, isOvertaken }, history, say);
  const machine = machineLoad();
  await clients.stop();
  const { seed, faults: asked } = options;
  return buildReport({
    driver: driver.name,
    store: store.about,
    servers: driver.servers,
    tenureMs: driver.tenureMs,
    bounds: driver.bounds,
    machine,
    freshness,
    tenureCheck,
    injectViolation,
    seed,
    asked,
    begin,
    end: clock.now(),
    faults,
    history: history.judge(),
    ordinaryEnds: Float64Array.from(history.ordinaryEnds).sort(),
    allEnds: Float64Array.from(history.ends).sort(),
    outstanding: (server, at) => history.outstanding(server, at),
    overtaken: (server, from, to) => history.overtaken(server, from, to),
    errors: history.errors,
    problems,
  });
}

/** A store of the environment can be cut off and nothing else: its processes are somebody's. */
function refuseWhatIsNotOurs({ faults }: StressOptions, { nodes, about }: PreparedStore): void {
  const asked = faults.filter((kind) => kind === "store-kill" || kind === "store-pause");
  if (asked.length === 0 || nodes.every(({ process }) => process.isOwned)) return;
  throw new UsageError(
    `--faults: no ${asked.join(", ")} with ${about}, which this run did not start: name other faults, or unset its variable`,
  );
}

/** Does faults until time is up, but the first round in any case. Each begins when the service is back from the last. */
async function injectAll(
  options: StressOptions,
  parts: InjectParts,
  history: History,
  say: (line: string) => void,
): Promise<Injection> {
  const { seed, faults: kinds, seconds, driver } = options;
  const { clock, fleet } = parts;
  const random = new Random(seed + 1);
  const begin = clock.now();
  const leftMs = (): number => seconds * 1_000 - (clock.now() - begin) / TICKS_PER_MS;
  const faults: InjectedFault[] = [];
  const broken = (problem: string): Injection => ({ faults, problems: [problem] });
  for (const fault of faultSchedule({ seed, kinds, servers: driver.servers, outageMs: driver.outageMs })) {
    if (faults.length >= kinds.length && leftMs() < fault.calmMs + fault.lastsMs) break;
    await sleep(fault.calmMs);
    // Servers that have no store but each other are what they depend on.
    const hitsStore = fault.target === "store" || parts.store.nodes.length === 0;
    if (hitsStore && !(await becomesWhole(parts.store))) {
      return broken(`the store was not whole again ${STORE_LIMIT_MS} ms after a fault`);
    }
    const leader = await leaderNow(parts, history);
    if (leader === undefined) return broken(fleet.fallen ?? `no answer within ${SERVICE_LIMIT_MS} ms after a fault`);
    const done = await inject(fault, victimOf(fault, leader, parts, random), parts);
    faults.push(done);
    say(describe(done, begin));
    if (fleet.fallen !== undefined) return broken(fleet.fallen);
  }
  await sleep(Math.max(0, leftMs()));
  const isBack = (await leaderNow(parts, history)) !== undefined;
  return isBack
    ? { faults, problems: [] }
    : broken(fleet.fallen ?? `no answer within ${SERVICE_LIMIT_MS} ms at the end`);
}

async function becomesWhole({ isWhole }: PreparedStore): Promise<boolean> {
  if (isWhole === undefined) return true;
  return await waitUntil("the store to be whole", isWhole, { timeoutMs: STORE_LIMIT_MS, everyMs: 100 }).catch(
    () => false,
  );
}

function victimOf({ target }: PlannedFault, leader: number, { fleet, store }: InjectParts, random: Random): Victim {
  switch (target) {
    case "leader":
      return { server: leader };
    case "follower":
      return { server: random.pick(fleet.addresses.map((_, server) => server).filter((server) => server !== leader)) };
    case "store":
      return { nodes: random.shuffled(store.nodes).slice(0, store.nodesPerFault) };
    default:
      return target satisfies never;
  }
}

/** The server that answers a call which begins after now; undefined if none does, or one has fallen. */
async function leaderNow({ clock, fleet }: InjectParts, history: History): Promise<number | undefined> {
  const since = clock.now();
  const isOver = (): boolean => fleet.fallen !== undefined || (history.newestPinned?.begin ?? 0) > since;
  await waitUntil("an answer", isOver, { timeoutMs: SERVICE_LIMIT_MS }).catch(() => {});
  const newest = history.newestPinned;
  return fleet.fallen === undefined && newest !== undefined && newest.begin > since ? newest.server : undefined;
}

function describe({ kind, target, place, at, isConfirmed, evidence }: InjectedFault, begin: number): string {
  const second = ((at - begin) / TICKS_PER_MS / 1_000).toFixed(1).padStart(6);
  return `${second} s  ${kind} of the ${target}, ${place}: ${isConfirmed ? "" : "NOT CONFIRMED: "}${evidence}`;
}
