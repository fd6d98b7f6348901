// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { type FaultProxy, isAlive, isStopped } from "@tsoracle/test-services";
import type { Fleet } from "./fleet.ts";
import type { CutMode, PlannedFault } from "./schedule.ts";
import type { SharedClock } from "./shared-clock.ts";

/** What is known about a fault afterwards. `isConfirmed` only if `evidence` was seen, not because it was asked for. */
interface Confirmation {
  readonly isConfirmed: boolean;
  readonly evidence: string;
  /** Only of a pause: just before SIGCONT. What the server is asked at this instant it finds when it wakes up. */
  readonly releasedAt?: number;
}

/** One fault as it happened. Instants are of the shared clock. */
export interface InjectedFault extends Confirmation {
  readonly kind: PlannedFault["kind"];
  readonly target: PlannedFault["target"];
  readonly server: number;
  readonly at: number;
  /** When the server was started again, went on, or could reach its store again. */
  readonly endedAt: number;
}

export interface InjectParts {
  readonly fleet: Fleet;
  readonly proxiesOf: (server: number) => readonly FaultProxy[];
  readonly clock: SharedClock;
}

/** Does one fault to a server and undoes it. @throws Error when the machine does not play along. */
export async function inject(fault: PlannedFault, server: number, parts: InjectParts): Promise<InjectedFault> {
  const at = parts.clock.now();
  const confirmation = await perform(fault, server, parts);
  return { kind: fault.kind, target: fault.target, server, at, endedAt: parts.clock.now(), ...confirmation };
}

function perform(fault: PlannedFault, server: number, { fleet, proxiesOf, clock }: InjectParts): Promise<Confirmation> {
  switch (fault.kind) {
    case "kill":
      return kill(fleet, server, fault.lastsMs);
    case "pause":
      return pause(fleet, server, fault.lastsMs, clock);
    case "term":
      return terminate(fleet, server, fault.lastsMs);
    case "cut":
      return cut(proxiesOf(server), fault.cutMode ?? "hold", fault.lastsMs);
    default:
      return fault.kind satisfies never;
  }
}

async function kill(fleet: Fleet, server: number, downMs: number): Promise<Confirmation> {
  const victim = fleet.process(server);
  fleet.expectEnd(server);
  await victim.kill();
  const { code, signal } = await victim.ended;
  const isGone = !isAlive(victim.pid);
  await sleep(downMs);
  await fleet.start(server);
  return {
    isConfirmed: isGone && signal === "SIGKILL",
    evidence: `process ${victim.pid} ${isGone ? "is gone" : "still runs"}, ended by ${signal ?? `exit ${code}`}`,
  };
}

async function pause(fleet: Fleet, server: number, lastsMs: number, clock: SharedClock): Promise<Confirmation> {
  const victim = fleet.process(server);
  const { pid } = victim;
  await victim.pause();
  const begin = performance.now();
  const stoppedAtFirst = isStopped(pid);
  await sleep(lastsMs);
  const stoppedAtLast = isStopped(pid);
  const heldMs = Math.round(performance.now() - begin);
  const releasedAt = clock.now();
  await victim.resume();
  return {
    releasedAt,
    isConfirmed: stoppedAtFirst && stoppedAtLast && heldMs >= lastsMs - 1 && isAlive(pid),
    evidence: `process ${pid} ${stoppedAtFirst && stoppedAtLast ? "was" : "was not"} in state T for ${heldMs} ms`,
  };
}

async function terminate(fleet: Fleet, server: number, downMs: number): Promise<Confirmation> {
  const victim = fleet.process(server);
  fleet.expectEnd(server);
  await victim.terminate("SIGTERM");
  const { code, signal } = await victim.ended;
  await sleep(downMs);
  await fleet.start(server);
  return {
    isConfirmed: code === 0,
    evidence: `process ${victim.pid} ended by ${signal ?? `exit ${code}`} after SIGTERM`,
  };
}

const count = (proxies: readonly FaultProxy[], of: (proxy: FaultProxy) => number): number =>
  proxies.reduce((sum, proxy) => sum + of(proxy), 0);

/** Nothing passes in either direction, on any of the ways to the store. */
async function cut(proxies: readonly FaultProxy[], mode: CutMode, lastsMs: number): Promise<Confirmation> {
  const connections = count(proxies, (proxy) => proxy.connections);
  const before = count(proxies, ({ withheld }) => withheld);
  if (mode === "reset") {
    await Promise.all(proxies.map((proxy) => proxy.refuse()));
    for (const proxy of proxies) proxy.reset();
  } else {
    for (const proxy of proxies) proxy.set({ up: mode, down: mode });
  }
  await sleep(lastsMs);
  const left = count(proxies, (proxy) => proxy.connections);
  const withheld = count(proxies, (proxy) => proxy.withheld) - before;
  await Promise.all(proxies.map((proxy) => proxy.heal()));
  if (mode === "reset") {
    return {
      isConfirmed: connections > 0 && left === 0,
      evidence: `${connections} connections to the store were reset, ${left} were left while new ones were refused`,
    };
  }
  return {
    isConfirmed: withheld > 0,
    evidence: `${withheld} bytes on ${proxies.length} ways to the store were ${mode === "hold" ? "held back" : "lost"}`,
  };
}
