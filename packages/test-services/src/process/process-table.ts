// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { statFields } from "./identity.ts";

interface Row {
  readonly pid: number;
  readonly parent: number;
  /** The first letter of the state: R, S, T, Z, ... */
  readonly state: string;
}

function row(pid: number): Row | undefined {
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  return { pid, parent: Number(fields[1]), state: fields[0] ?? "" };
}

function table(): Row[] {
  if (process.platform === "linux") {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => row(Number(name)) ?? []);
  }
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,state="], { encoding: "utf8" }).trim().split("\n");
  return lines.map((line) => {
    const [pid = "", parent = "", state = ""] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state: state.slice(0, 1) };
  });
}

/** Every living descendant of a process, parents before their children. */
export function descendantsOf(pid: number): number[] {
  const rows = table().filter(({ state }) => state !== "Z");
  const found: number[] = [];
  for (let parents = [pid]; parents.length > 0; ) {
    parents = rows.filter(({ parent }) => parents.includes(parent)).map((child) => child.pid);
    found.push(...parents);
  }
  return found;
}

const stateOf = (pid: number): string | undefined =>
  process.platform === "linux" ? row(pid)?.state : table().find((candidate) => candidate.pid === pid)?.state;

/** Whether a process is there and runs; one that is dead but not yet reaped does not. */
export function isAlive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Whether a process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  return stateOf(pid) === "T";
}
