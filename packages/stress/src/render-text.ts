// SPDX-License-Identifier: Apache-2.0
import type { MachineLoad } from "./machine-load.ts";

export const number = (value: number): string => value.toLocaleString("en-US");

export const lines = (items: readonly string[]): string => items.map((item) => `${item}\n`).join("");

/** Nothing at all where there are no items. */
export function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [title, ...items.map((item) => `  ${item}`)];
}

export function machineLine({ cores, runnable, lateP99Ms, lateMaxMs }: MachineLoad): string {
  return (
    `machine     ${cores} cores for ${runnable.join(" to ")} runnable processes; ` +
    `timers of the harness ${lateP99Ms} ms late (p99), ${lateMaxMs} ms at most`
  );
}
