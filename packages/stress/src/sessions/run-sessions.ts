// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@tsoracle/client";
import { freePorts, waitUntil } from "@tsoracle/test-services";
import { fileStress } from "../drivers/file.ts";
import type { StressTerms } from "../drivers/stress-driver.ts";
import { Fleet } from "../fleet.ts";
import { watchMachineLoad } from "../machine-load.ts";
import { Random } from "../random.ts";
import { faultSchedule } from "../schedule.ts";
import { SharedClock, TICKS_PER_MS } from "../shared-clock.ts";
import { UsageError } from "../usage-error.ts";
import type { SessionCall } from "./call.ts";
import { sessionNames } from "./entry.ts";
import { type FinalSession, readFinals } from "./final-session.ts";
import { judgeSessions } from "./judge.ts";
import { injectIntoSessions, type SessionFault, type SessionFaultParts } from "./session-fault.ts";
import { SessionHistory } from "./session-history.ts";
import type { SessionStressOptions } from "./session-options.ts";
import { buildSessionReport, type SessionStressReport } from "./session-report.ts";
import type { PreparedSessionStore } from "./stores/session-store.ts";
import { Workers } from "./workers.ts";

/** Longer than any takeover of all sessions; what is not served by then is a failure of the service. */
const SERVICE_LIMIT_MS = 90_000;

/** Longer than any store needs to take a node back. */
const STORE_LIMIT_MS = 60_000;

/** A fault waits until this share of the sessions is served again, so that it now and then hits a recovery. */
const SERVED_BETWEEN_FAULTS = 0.5;

/** Longer than it takes to be seen gone and to lose a session to another worker. */
const OUTAGE_MS = [2_000, 3_500] as const;

const LOOK_EVERY_MS = 20;

/**
 * One run: starts the store, an oracle and the workers, does the faults, takes every session over when all is over, and
 * judges what the workers were told against what is there.
 *
 * @param say gets a line as each fault ends
 * @throws Error when the harness fails: no store, no oracle, a worker that does not end in good order
 * @throws UsageError when faults are asked of a store that the environment provides
 */
export async function runSessionStress(
  options: SessionStressOptions,
  say: (line: string) => void,
): Promise<SessionStressReport> {
  const { store, seed, fenceCheck, injectViolation } = options;
  const clock = new SharedClock();
  const [address = ""] = (await freePorts(1)).map((port) => `127.0.0.1:${port}`);
  const terms: StressTerms = { servers: 1, freshness: "lease" };
  await using oracleStore = await fileStress.prepare(terms, [address]);
  const oracleParts = { driver: fileStress, store: oracleStore, terms, tenureCheck: true, addresses: [address] };
  await using oracle = await Fleet.start(oracleParts);
  await using prepared = await store.prepare();
  refuseWhatIsNotOurs(options, prepared);
  const names = sessionNames(options.sessions);
  await using workers = await Workers.start({
    ...{ store, prepared, fenceCheck, seed },
    ...{ sessions: names.length, oracle: address, clockBase: clock.base },
  });
  const history = new SessionHistory();
  const served = (count: number, since: number): Promise<string | undefined> =>
    untilServed({ workers, oracle, history, names, count, since });
  const parts: SessionFaultParts = { workers, prepared, clock, history, random: new Random(seed + 1) };
  const unready = await served(names.length, 0);
  if (unready !== undefined) throw new Error(unready);
  const begin = clock.now();
  const machineLoad = watchMachineLoad();
  const { faults, problems } = await injectAll(options, parts, served, say);
  const end = clock.now();
  const machine = machineLoad();
  if (workers.fallen === undefined) await workers.finish();
  history.read(workers.records);
  const calls = history.finish();
  const finals = await readAll(options, prepared, address);
  const judged = { calls: injectViolation ? [...calls, lostAppend(calls)] : calls, alarms: history.alarms, finals };
  const violations = judgeSessions(judged);
  return buildSessionReport({
    ...{ options, store: prepared.about, workers: workers.count, machine, begin, end, faults, problems },
    ...{ calls: judged.calls, violations, entries: entriesIn(finals) },
  });
}

interface Injection {
  readonly faults: readonly SessionFault[];
  readonly problems: readonly string[];
}

/** Does faults until time is up, but the first round in any case. */
async function injectAll(
  options: SessionStressOptions,
  parts: SessionFaultParts,
  served: (count: number, since: number) => Promise<string | undefined>,
  say: (line: string) => void,
): Promise<Injection> {
  const { seed, faults: kinds, seconds, sessions } = options;
  const { clock } = parts;
  const begin = clock.now();
  const leftMs = (): number => seconds * 1_000 - (clock.now() - begin) / TICKS_PER_MS;
  const faults: SessionFault[] = [];
  for (const fault of faultSchedule({ seed, kinds, servers: 1, outageMs: OUTAGE_MS })) {
    if (faults.length >= kinds.length && leftMs() < fault.calmMs + fault.lastsMs) break;
    await sleep(fault.calmMs);
    const unserved = await served(Math.ceil(sessions * SERVED_BETWEEN_FAULTS), clock.now());
    if (unserved !== undefined) return { faults, problems: [unserved] };
    if (fault.target === "store" && !(await becomesWhole(parts.prepared))) {
      return { faults, problems: [`the store was not whole again ${STORE_LIMIT_MS} ms after a fault`] };
    }
    const done = await injectIntoSessions(fault, parts);
    faults.push(done);
    say(describe(done, begin));
  }
  await sleep(Math.max(0, leftMs()));
  const unserved = await served(sessions, clock.now());
  return { faults, problems: unserved === undefined ? [] : [unserved] };
}

async function becomesWhole({ isWhole }: PreparedSessionStore): Promise<boolean> {
  if (isWhole === undefined) return true;
  const limits = { timeoutMs: STORE_LIMIT_MS, everyMs: 500 };
  return await waitUntil("the store to be whole", isWhole, limits).catch(() => false);
}

interface ServiceParts {
  readonly workers: Workers;
  readonly oracle: Fleet;
  readonly history: SessionHistory;
  readonly names: readonly string[];
  readonly count: number;
  readonly since: number;
}

/** Waits until so many sessions had an entry acknowledged that was appended since an instant; else says what is wrong. */
async function untilServed({
  workers,
  oracle,
  history,
  names,
  count,
  since,
}: ServiceParts): Promise<string | undefined> {
  const fallen = (): string | undefined => workers.fallen ?? oracle.fallen;
  const isServed = (): boolean => {
    history.read(workers.records);
    return fallen() !== undefined || history.servedSince(since) >= count;
  };
  await waitUntil("the sessions", isServed, { timeoutMs: SERVICE_LIMIT_MS, everyMs: LOOK_EVERY_MS }).catch(() => {});
  if (fallen() !== undefined) return fallen();
  const found = history.servedSince(since);
  if (found >= count) return undefined;
  const silent = history.unserved(names, since);
  return `only ${found} sessions took an entry within ${SERVICE_LIMIT_MS} ms, expected at least ${count}: none in ${silent}`;
}

/** A store of the environment can be cut off and nothing else: its processes are somebody's. */
function refuseWhatIsNotOurs({ faults }: SessionStressOptions, { nodes, about }: PreparedSessionStore): void {
  const asked = faults.filter((kind) => kind === "store-kill" || kind === "store-pause");
  if (asked.length === 0 || nodes.every(({ process }) => process.isOwned)) return;
  throw new UsageError(
    `--faults: no ${asked.join(", ")} with ${about}, which this run did not start: name other faults, or unset its variable`,
  );
}

async function readAll(
  { store, sessions }: SessionStressOptions,
  prepared: PreparedSessionStore,
  oracle: string,
): Promise<readonly FinalSession[]> {
  await using journal = await store.open(prepared.directConfig);
  await using client = createClient({ endpoints: [oracle] });
  return await readFinals(journal, async (call) => (await client.getTs(call)).value, sessionNames(sessions));
}

/** The control: an append like another, acknowledged as far as the history knows, of which the journal knows nothing. */
function lostAppend(calls: readonly SessionCall[]): SessionCall {
  const model = calls.findLast(({ outcome }) => outcome.kind === "appended");
  if (model?.entry === undefined) throw new Error("no append was acknowledged that could be made to look lost");
  return { ...model, entry: { ...model.entry, id: `${model.entry.id}-injected` } };
}

const entriesIn = (finals: readonly FinalSession[]): number =>
  finals.reduce((sum, final) => sum + (final.kind === "read" ? final.entries.length : 0), 0);

function describe({ kind, place, at, isConfirmed, evidence }: SessionFault, begin: number): string {
  const second = ((at - begin) / TICKS_PER_MS / 1_000).toFixed(1).padStart(6);
  return `${second} s  ${kind} of ${place}: ${isConfirmed ? "" : "NOT CONFIRMED: "}${evidence}`;
}
