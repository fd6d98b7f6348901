// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from "node:fs";
import type { HostProcess } from "./lock.ts";
import { systemCodeOf } from "./storage-error.ts";

/** This process, as the system tells. Where there is no `/proc`, only pids can be compared. */
export function hostProcess(): HostProcess {
  return {
    pid: process.pid,
    bootId: textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    startTime: startTimeOf(process.pid) ?? "",
    pidNamespace: textOf(() => readlinkSync("/proc/self/ns/pid")),
    startTimeOf,
  };
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

function startTimeOf(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined;
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The name, in brackets, may hold anything; the fields behind it are plain. The 22nd of all is the start time.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie has ended: it waits only for its parent to notice.
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return fields[19] ?? "";
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Without the right to signal it, it exists nevertheless.
    return systemCodeOf(error) === "EPERM";
  }
}
