// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { ServiceUnavailable } from "../service-unavailable.ts";

/** A user to run a server as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The options of `spawn` that make a child run as `account`; none means: as this process. */
export function spawnIdentity(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/**
 * Whom Postgres runs as when this process is root, since it refuses uid 0: the user `postgres`, else `nobody`.
 * Both come from the passwd file, because initdb looks its own uid up there (`test-services.md` 2.2).
 *
 * @param passwd the text of the passwd file
 * @throws ServiceUnavailable when there is neither
 */
export function unprivilegedAccount(passwd: string = readFileSync("/etc/passwd", "utf8")): Account {
  const entries = passwd.split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid, , home] = entries.find(([candidate]) => candidate === name) ?? [];
    if (uid === undefined || gid === undefined || Number(uid) === 0) continue;
    return { name, uid: Number(uid), gid: Number(gid), home: home ?? "/" };
  }
  throw new ServiceUnavailable(
    "Postgres",
    ["this process is root, which Postgres refuses, and there is no user postgres or nobody to run it as"],
    "run the tests as a normal user",
  );
}
