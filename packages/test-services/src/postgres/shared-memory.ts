// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Gives back the System V segment by which Postgres knows that a data directory is in use. A server that ends in
 * order does so itself; one that was killed leaves it, and the system has room for a few thousand only. Processes that
 * are just dying may still be attached; the segment then goes with the last of them. Does nothing where there is none.
 */
export function releaseSharedMemory(dataDirectory: string): void {
  const segment = segmentOf(dataDirectory);
  if (segment === undefined) return;
  try {
    execFileSync("ipcrm", ["-m", segment], { stdio: "ignore" });
  } catch {
    // It is gone by now, or belongs to another user, who has to give it back.
  }
}

/** The segment that the pid file of a Postgres names, if it is there with the same key. */
export function segmentOf(dataDirectory: string): string | undefined {
  try {
    const [key, id] = (readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n")[6] ?? "")
      .trim()
      .split(/\s+/);
    const rows = readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\n").slice(1);
    return rows.map((line) => line.trim().split(/\s+/)).some((fields) => fields[0] === key && fields[1] === id)
      ? id
      : undefined;
  } catch {
    return undefined; // No pid file: the server ended in order. No table: not Linux.
  }
}
