// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, isStopped, type ServerProcess, waitUntil } from "@tsoracle/test-services";
import type { Confirmation } from "./injected-fault.ts";
import type { SharedClock } from "./shared-clock.ts";

/** Processes that faults are done to, by their index. */
export interface Processes {
  process(index: number): ServerProcess;
  /** Says that the process is about to be ended on purpose. */
  expectEnd(index: number): void;
  /** Starts one whose process has ended. */
  start(index: number): Promise<void>;
}

export async function killServer(fleet: Processes, server: number, downMs: number): Promise<Confirmation> {
  const victim = fleet.process(server);
  const wasRunning = victim.isRunning;
  fleet.expectEnd(server);
  await victim.kill();
  const { code, signal } = await victim.ended;
  const isGone = !isAlive(victim.pid);
  await sleep(downMs);
  await fleet.start(server);
  return {
    isConfirmed: wasRunning && isGone && signal === "SIGKILL",
    evidence: `process ${victim.pid} ${isGone ? "is gone" : "still runs"}, ended by ${signal ?? `exit ${code}`}`,
  };
}

/** How much longer than drawn a pause may last. The drawn time and this are less than servers keep their window ahead. */
const EXTENSION_LIMIT_MS = 5_000;

/**
 * @param isReplaced whether another server has taken the place of this one; a pause of a leader lasts until then, so
 *   that on a busy machine, too, it wakes up to find itself replaced. Undefined where nobody takes over.
 */
export async function pauseServer(
  fleet: Processes,
  server: number,
  lastsMs: number,
  clock: SharedClock,
  isReplaced: (() => boolean) | undefined,
): Promise<Confirmation> {
  const victim = fleet.process(server);
  const { pid } = victim;
  await victim.pause();
  const begin = performance.now();
  const stoppedAtFirst = isStopped(pid);
  await sleep(lastsMs);
  // Who was not replaced by then is reported as such.
  if (isReplaced !== undefined)
    await waitUntil("a successor", isReplaced, { timeoutMs: EXTENSION_LIMIT_MS }).catch(() => {});
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

export async function terminateServer(fleet: Processes, server: number, downMs: number): Promise<Confirmation> {
  const victim = fleet.process(server);
  const wasRunning = victim.isRunning;
  fleet.expectEnd(server);
  await victim.terminate("SIGTERM");
  const { code, signal } = await victim.ended;
  await sleep(downMs);
  await fleet.start(server);
  return {
    isConfirmed: wasRunning && code === 0,
    evidence: `process ${victim.pid} ended by ${signal ?? `exit ${code}`} after SIGTERM`,
  };
}
