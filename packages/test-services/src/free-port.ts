// SPDX-License-Identifier: Apache-2.0
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const LOWEST = 10_240;

/** The first port that the system hands out by itself. */
function ephemeralStart(): number {
  try {
    const [first] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/);
    return Number(first);
  } catch {
    return 49_152; // The range that IANA names, which systems without /proc use.
  }
}

/** Whether somebody could listen on the port right now. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** What was drawn in this process, whether or not somebody listens there by now. */
const drawn = new Set<number>();

/**
 * Ports on loopback that nobody listens on, all different, also from those of earlier calls. They lie below the range that the system gives to
 * outgoing connections and to listeners on port 0, so a server that is killed finds its port free when it is
 * started again. Two processes may still draw the same one: who loses gets a bind error and draws again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const end = ephemeralStart();
  // A system with an unusual range leaves no room below it; then the range above the lowest must do.
  const above = end - LOWEST >= 1_000 ? end : 65_536;
  const ports = new Set<number>();
  for (let draw = 0; ports.size < count; draw += 1) {
    if (draw > 1_000 + count) throw new Error(`found only ${ports.size} of ${count} free ports on loopback`);
    const port = randomInt(LOWEST, above);
    if (drawn.has(port)) continue;
    drawn.add(port);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** How servers say that somebody else has their port. */
export const PORT_TAKEN: RegExp = /address already in use/i;
