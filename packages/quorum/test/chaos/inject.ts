// SPDX-License-Identifier: Apache-2.0
import type { FaultProxy } from "@tsoracle/test-services";
import type { Cluster } from "./cluster.ts";
import type { CyclePlan } from "./plan.ts";

/** What is known of a fault when it is over. */
export interface FaultOutcome {
  readonly isConfirmed: boolean;
  /** The time in which no peer could be reached, if there was one. Monotonic milliseconds. */
  readonly isolated?: { readonly from: number; readonly to: number };
}

export interface FaultTiming {
  /** Resolves when a partition or stop that begins now has lasted long enough. */
  readonly hold: () => Promise<void>;
  readonly monotonicMs: () => number;
}

/**
 * Does the fault that begins in the middle of the writes, from this turn on, and takes it back. What is done to the
 * stated time of a peer is done around the writes instead.
 */
export async function inject(plan: CyclePlan, cluster: Cluster, timing: FaultTiming): Promise<FaultOutcome> {
  switch (plan.fault) {
    case "kill_primary_mid_write":
      return await killMidWrite(cluster);
    case "partition_minority":
      return await partition(plan.victim === 0 ? cluster.proxies : [proxyOf(cluster, plan.victim)], plan, timing);
    case "drop_random_acks": {
      const { process } = cluster.peer(plan.victim === 2 ? 2 : 1);
      // It resolves only when the kernel shows the process as stopped.
      await process.pause();
      await timing.hold();
      const isConfirmed = process.isPaused;
      await process.resume();
      return { isConfirmed };
    }
    case "clock_skew_peer":
      return { isConfirmed: true };
    default:
      return plan.fault satisfies never;
  }
}

function proxyOf({ proxies }: Cluster, peer: 1 | 2): FaultProxy {
  return peer === 1 ? proxies[0] : proxies[1];
}

/** The next write has left by the next turn, so there is always one under way. */
async function killMidWrite(cluster: Cluster): Promise<FaultOutcome> {
  await new Promise(setImmediate);
  const { signal } = await cluster.killPrimary();
  return { isConfirmed: signal === "SIGKILL" };
}

async function partition(
  proxies: readonly FaultProxy[],
  { victim }: CyclePlan,
  { hold, monotonicMs }: FaultTiming,
): Promise<FaultOutcome> {
  const before = proxies.map(({ withheld }) => withheld);
  for (const proxy of proxies) proxy.set({ up: "drop", down: "drop" });
  const from = monotonicMs();
  await hold();
  const to = monotonicMs();
  const isConfirmed = proxies.every(({ withheld }, index) => withheld > (before[index] ?? 0));
  for (const proxy of proxies) await proxy.heal();
  return victim === 0 ? { isConfirmed, isolated: { from, to } } : { isConfirmed };
}
