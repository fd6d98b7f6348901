// SPDX-License-Identifier: Apache-2.0
import { cut } from "../cut.ts";
import { killServer, pauseServer, terminateServer } from "../inject-server.ts";
import { killStore, pauseStore } from "../inject-store.ts";
import type { Confirmation } from "../injected-fault.ts";
import type { Random } from "../random.ts";
import type { FaultKind, PlannedFault } from "../schedule.ts";
import type { SharedClock } from "../shared-clock.ts";
import type { SessionHistory } from "./session-history.ts";
import type { PreparedSessionStore } from "./stores/session-store.ts";
import type { Workers } from "./workers.ts";

/** One fault as it happened. Instants are of the shared clock. */
export interface SessionFault extends Confirmation {
  readonly kind: FaultKind;
  /** What was hit, for people: `worker 1, which owned 33 sessions`. */
  readonly place: string;
  /** The start of the worker that was hit; none for a fault of the store. */
  readonly caller?: string;
  /** Only of a pause: another worker took a session over before this one woke up. */
  readonly isReplaced?: boolean;
  readonly at: number;
  readonly endedAt: number;
}

export interface SessionFaultParts {
  readonly workers: Workers;
  readonly prepared: PreparedSessionStore;
  readonly clock: SharedClock;
  readonly history: SessionHistory;
  readonly random: Random;
}

/** Does one fault to a worker that owns sessions, or to the store, and undoes it. */
export async function injectIntoSessions(fault: PlannedFault, parts: SessionFaultParts): Promise<SessionFault> {
  const { clock } = parts;
  const at = clock.now();
  const done = fault.target === "store" ? await hitStore(fault, parts) : await hitWorker(fault, parts);
  return { kind: fault.kind, at, endedAt: clock.now(), ...done };
}

type Done = Omit<SessionFault, "kind" | "at" | "endedAt">;

async function hitWorker(fault: PlannedFault, parts: SessionFaultParts): Promise<Done> {
  const { workers, prepared, clock, history, random } = parts;
  const all = Array.from({ length: workers.count }, (_, worker) => worker);
  const owners = all.filter((worker) => history.ownedBy(worker).length > 0);
  const worker = random.pick(owners.length > 0 ? owners : all);
  const sessions = history.ownedBy(worker);
  const where = {
    place: `worker ${worker}, which owned ${sessions.length} sessions`,
    caller: workers.callerOf(worker),
  };
  switch (fault.kind) {
    case "kill":
      return { ...where, ...(await killServer(workers, worker, fault.lastsMs)) };
    case "pause": {
      const since = clock.now();
      const isReplaced = (): boolean => {
        history.read(workers.records);
        return history.isReplaced(sessions, worker, since);
      };
      const untilReplaced = workers.count > 1 ? isReplaced : undefined;
      const confirmation = await pauseServer(workers, worker, fault.lastsMs, clock, untilReplaced);
      return { ...where, ...confirmation, isReplaced: isReplaced() };
    }
    case "term":
      return { ...where, ...(await terminateServer(workers, worker, fault.lastsMs)) };
    case "cut":
      return { ...where, ...(await cut(prepared.linksOf(worker), fault.cutMode ?? "hold", fault.lastsMs)) };
    case "store-kill":
    case "store-pause":
    case "store-cut":
      throw new Error(`${fault.kind} is no fault of a worker`);
    default:
      return fault.kind satisfies never;
  }
}

async function hitStore(fault: PlannedFault, { prepared, random }: SessionFaultParts): Promise<Done> {
  const nodes = random.shuffled(prepared.nodes).slice(0, prepared.nodesPerFault);
  const where = { place: nodes.map(({ name }) => name).join(" and ") };
  switch (fault.kind) {
    case "store-kill":
      return { ...where, ...(await killStore(nodes, fault.lastsMs)) };
    case "store-pause":
      return { ...where, ...(await pauseStore(nodes, fault.lastsMs)) };
    case "store-cut": {
      const links = nodes.flatMap((node) => node.links);
      return { ...where, ...(await cut(links, fault.cutMode ?? "hold", fault.lastsMs)) };
    }
    case "kill":
    case "pause":
    case "cut":
    case "term":
      throw new Error(`${fault.kind} is no fault of a store`);
    default:
      return fault.kind satisfies never;
  }
}
