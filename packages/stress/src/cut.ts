// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultProxy } from "@tsoracle/test-services";
import type { Confirmation } from "./injected-fault.ts";
import type { CutMode } from "./schedule.ts";

const count = (links: readonly FaultProxy[], of: (link: FaultProxy) => number): number =>
  links.reduce((sum, link) => sum + of(link), 0);

/** For a while nothing passes in either direction, on any of these ways. */
export async function cut(links: readonly FaultProxy[], mode: CutMode, lastsMs: number): Promise<Confirmation> {
  const connections = count(links, (link) => link.connections);
  const before = count(links, ({ withheld }) => withheld);
  if (mode === "reset") {
    await Promise.all(links.map((link) => link.refuse()));
    for (const link of links) link.reset();
  } else {
    for (const link of links) link.set({ up: mode, down: mode });
  }
  await sleep(lastsMs);
  const left = count(links, (link) => link.connections);
  const withheld = count(links, (link) => link.withheld) - before;
  await Promise.all(links.map((link) => link.heal()));
  if (mode === "reset") {
    return {
      isConfirmed: connections > 0 && left === 0,
      evidence: `${connections} connections were reset, ${left} were left while new ones were refused`,
    };
  }
  return {
    isConfirmed: withheld > 0,
    evidence: `${withheld} bytes on ${links.length} ways were ${mode === "hold" ? "held back" : "lost"}`,
  };
}
