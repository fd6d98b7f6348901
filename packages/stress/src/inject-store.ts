// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, isStopped } from "@tsoracle/test-services";
import type { StoreNode } from "./drivers/stress-driver.ts";
import type { Confirmation } from "./injected-fault.ts";

const pidsOf = (nodes: readonly StoreNode[]): number[] => nodes.flatMap(({ process }) => process.pids());

/** SIGKILL to every process of the nodes, and a new start on what they had on disk. */
export async function killStore(nodes: readonly StoreNode[], downMs: number): Promise<Confirmation> {
  const wereRunning = nodes.every(({ process }) => process.isRunning);
  const pids = pidsOf(nodes);
  const begin = performance.now();
  await Promise.all(nodes.map(({ process }) => process.kill()));
  const left = pids.filter(isAlive);
  await sleep(downMs);
  await Promise.all(nodes.map(({ process }) => process.restart()));
  const awayMs = Math.round(performance.now() - begin);
  const isBack = nodes.every(({ process }) => process.isRunning);
  return {
    isConfirmed: wereRunning && left.length === 0 && isBack,
    evidence:
      `${pids.length} processes ${left.length === 0 ? "are gone" : `were killed and ${left.length} still run`}; ` +
      `${isBack ? "started" : "not started"} again on the same data, up after ${awayMs} ms`,
  };
}

/** SIGSTOP to every process of the nodes; what they were sent in the meantime they serve when they go on. */
export async function pauseStore(nodes: readonly StoreNode[], lastsMs: number): Promise<Confirmation> {
  await Promise.all(nodes.map(({ process }) => process.pause()));
  const begin = performance.now();
  const pids = pidsOf(nodes);
  const stoppedAtFirst = pids.filter(isStopped).length;
  await sleep(lastsMs);
  const stoppedAtLast = pids.filter(isStopped).length;
  const heldMs = Math.round(performance.now() - begin);
  await Promise.all(nodes.map(({ process }) => process.resume()));
  const stopped = Math.min(stoppedAtFirst, stoppedAtLast);
  return {
    isConfirmed: pids.length >= nodes.length && stopped === pids.length && heldMs >= lastsMs - 1,
    evidence: `${stopped} of ${pids.length} processes were in state T for ${heldMs} ms`,
  };
}
