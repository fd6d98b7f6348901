// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, isStopped } from "@tsoracle/test-services";
import type { Fleet } from "./fleet.ts";
import type { Confirmation } from "./injected-fault.ts";
import type { SharedClock } from "./shared-clock.ts";

export async function killServer(fleet: Fleet, server: number, downMs: number): Promise<Confirmation> {
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

export async function pauseServer(
  fleet: Fleet,
  server: number,
  lastsMs: number,
  clock: SharedClock,
): Promise<Confirmation> {
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

export async function terminateServer(fleet: Fleet, server: number, downMs: number): Promise<Confirmation> {
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
