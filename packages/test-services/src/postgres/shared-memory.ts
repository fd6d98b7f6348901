// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "../run-tool.ts";

/**
 * Gives back the System V segment by which Postgres knows that a data directory is in use. A server that ends in
 * order does so itself; one that was killed leaves it, and the system has room for a few thousand only.
 */
export async function releaseSharedMemory(dataDirectory: string): Promise<void> {
  const segment = abandonedSegment(dataDirectory);
  if (segment !== undefined) await runTool("ipcrm", ["-m", segment]);
}

/** The segment named in the pid file, if it is there with the same key and nobody is attached to it. */
function abandonedSegment(dataDirectory: string): string | undefined {
  try {
    const [key, id] = (readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n")[6] ?? "")
      .trim()
      .split(/\s+/);
    const rows = readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\n").slice(1);
    const row = rows.map((line) => line.trim().split(/\s+/)).find((fields) => fields[1] === id);
    return row !== undefined && row[0] === key && row[6] === "0" ? id : undefined;
  } catch {
    return undefined; // No pid file: the server ended in order. No table: not Linux.
  }
}
