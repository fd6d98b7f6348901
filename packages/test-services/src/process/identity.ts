// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Names one process for good. A pid alone is given out again, so its start time is part of the name; a start
 * time counts from boot, so the boot is too; and the same pid exists in every container, hence the scope.
 */
export interface ProcessIdentity {
  /** Host and pid namespace; identities of another scope cannot be judged from here. */
  readonly scope: string;
  readonly boot: string;
  readonly pid: number;
  readonly start: string;
}

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);

const textOf = (read: () => string): string => {
  try {
    return read().trim();
  } catch {
    return "";
  }
};

/** The fields of /proc/PID/stat after the command, which may itself hold spaces and parentheses. */
export function statFields(pid: number): readonly string[] | undefined {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** When a process started, as a short word that differs for a later process of the same pid; undefined if gone. */
export function startOf(pid: number): string | undefined {
  if (process.platform === "linux") return statFields(pid)?.[19];
  const started = textOf(() =>
    execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
  return started === "" ? undefined : digest(started);
}

let own: ProcessIdentity | undefined;

export function ownIdentity(): ProcessIdentity {
  own ??= {
    scope: digest(`${hostname()} ${textOf(() => readlinkSync("/proc/self/ns/pid"))}`),
    boot: digest(textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"))),
    pid: process.pid,
    start: startOf(process.pid) ?? "0",
  };
  return own;
}

/** Whether the process is certainly over. One of another scope never is, as far as this process can tell. */
export function isGone(identity: ProcessIdentity): boolean {
  const here = ownIdentity();
  if (identity.scope !== here.scope) return false;
  return identity.boot !== here.boot || startOf(identity.pid) !== identity.start;
}
