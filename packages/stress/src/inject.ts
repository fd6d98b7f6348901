// SPDX-License-Identifier: Apache-2.0
import { cut } from "./cut.ts";
import type { PreparedStore, StoreNode } from "./drivers/stress-driver.ts";
import type { Fleet } from "./fleet.ts";
import { killServer, pauseServer, terminateServer } from "./inject-server.ts";
import { killStore, pauseStore } from "./inject-store.ts";
import type { Confirmation, InjectedFault } from "./injected-fault.ts";
import type { PlannedFault } from "./schedule.ts";
import type { SharedClock } from "./shared-clock.ts";

export interface InjectParts {
  readonly fleet: Fleet;
  readonly store: PreparedStore;
  readonly clock: SharedClock;
  /** Whether another server than this one began to answer since an instant. */
  readonly isOvertaken: (server: number, since: number) => boolean;
}

/** What a fault hits: a server, or as many nodes of the store. */
export type Victim = { readonly server: number } | { readonly nodes: readonly StoreNode[] };

/** Does one fault and undoes it. @throws Error when the machine does not play along. */
export async function inject(fault: PlannedFault, victim: Victim, parts: InjectParts): Promise<InjectedFault> {
  const { kind, target } = fault;
  const at = parts.clock.now();
  const confirmation = await perform(fault, victim, parts);
  const where =
    "server" in victim
      ? { place: `server ${victim.server}`, server: victim.server }
      : { place: victim.nodes.map(({ name }) => name).join(" and ") };
  return { kind, target, ...where, at, endedAt: parts.clock.now(), ...confirmation };
}

function perform(fault: PlannedFault, victim: Victim, parts: InjectParts): Promise<Confirmation> {
  if ("server" in victim) return performOnServer(fault, victim.server, parts);
  return performOnStore(fault, victim.nodes);
}

function performOnServer(fault: PlannedFault, server: number, parts: InjectParts): Promise<Confirmation> {
  const { fleet, store, clock, isOvertaken } = parts;
  switch (fault.kind) {
    case "kill":
      return killServer(fleet, server, fault.lastsMs);
    case "pause": {
      const since = clock.now();
      const hasSuccessor = fault.target === "leader" && fleet.addresses.length > 1;
      const isReplaced = hasSuccessor ? () => isOvertaken(server, since) : undefined;
      return pauseServer(fleet, server, fault.lastsMs, clock, isReplaced);
    }
    case "term":
      return terminateServer(fleet, server, fault.lastsMs);
    case "cut":
      return cut(store.linksOf(server), fault.cutMode ?? "hold", fault.lastsMs);
    case "store-kill":
    case "store-pause":
    case "store-cut":
      throw new Error(`${fault.kind} is no fault of a server`);
    default:
      return fault.kind satisfies never;
  }
}

function performOnStore(fault: PlannedFault, nodes: readonly StoreNode[]): Promise<Confirmation> {
  switch (fault.kind) {
    case "store-kill":
      return killStore(nodes, fault.lastsMs);
    case "store-pause":
      return pauseStore(nodes, fault.lastsMs);
    case "store-cut": {
      const links = nodes.flatMap((node) => node.links);
      return cut(links, fault.cutMode ?? "hold", fault.lastsMs);
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
