// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, loadavg } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** How busy the machine was: the times of a run mean little without it. */
export interface MachineLoad {
  readonly cores: number;
  /** Processes that ran or wanted to, over the last minute: at the beginning and at the end. */
  readonly runnable: readonly [before: number, after: number];
  /** How late a timer of the harness, which has next to nothing to do, was woken: one in a hundred, and the worst. */
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
}

const RESOLUTION_MS = 5;
const NS_PER_MS = 1e6;

/** Begins to watch; the returned function ends it and says what was seen. */
export function watchMachineLoad(): () => MachineLoad {
  const [before = 0] = loadavg();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return () => {
    delay.disable();
    const [after = 0] = loadavg();
    const late = (ns: number): number => Math.max(0, Math.round(ns / NS_PER_MS - RESOLUTION_MS));
    return {
      cores: availableParallelism(),
      runnable: [Number(before.toFixed(1)), Number(after.toFixed(1))],
      lateP99Ms: late(delay.percentile(99)),
      lateMaxMs: late(delay.max),
    };
  };
}
