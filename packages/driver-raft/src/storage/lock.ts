// SPDX-License-Identifier: Apache-2.0
import { type Directory, readWhole } from "./device.ts";
import type { RandomBytes } from "./random.ts";
import { reasonOf, StorageError, systemCodeOf } from "./storage-error.ts";

export const LOCK_FILE = "LOCK";

/** What tells one process from another on one machine (`raft.md` I5). */
export interface HostProcess {
  readonly pid: number;
  /** Changes with every boot of the machine; a lock of another boot is stale. Empty where it cannot be told. */
  readonly bootId: string;
  /** When the process began, in the system's own unit; empty where it cannot be told. Tells a reused pid apart. */
  readonly startTime: string;
  /** The space in which `pid` means something; empty where there is only one. */
  readonly pidNamespace: string;
  /** The start time of a live process (possibly empty), or undefined if there is none of that pid. */
  startTimeOf(pid: number): string | undefined;
}

export interface LockSettings {
  readonly process: HostProcess;
  /**
   * What to do about a lock whose holder cannot be looked up because it lives in another pid namespace (another
   * container on the same machine): `"refuse"` (default), or `"take-over"` where the operator makes sure otherwise
   * that only one of them runs.
   */
  readonly unverifiable?: "refuse" | "take-over" | undefined;
}

interface Holder {
  readonly pid: number;
  readonly bootId: string;
  readonly startTime: string;
  readonly pidNamespace: string;
  /** Random per lock: whoever finds another one in the file has lost the directory. */
  readonly token: string;
}

/** A directory that this process holds. */
export interface DirectoryLock {
  /** Throws when the lock file is not this process's any more: somebody removed it or took it over. */
  check(): void;
  /** Removes the lock file if it is still this process's. */
  release(): void;
}

const ATTEMPTS = 3;

/**
 * Takes the directory for this process. The file appears with its whole content in one step (a link that fails if the
 * name exists), so a lock is never half there. It is advice among honest processes: what makes two of them harmless is
 * that they have different boot counts and the peer port is bound exclusively (I4, I5).
 *
 * @throws StorageError `locked` while its holder is alive, or might be.
 */
export function lockDirectory(directory: Directory, settings: LockSettings, random: RandomBytes): DirectoryLock {
  const { pid, bootId, startTime, pidNamespace } = settings.process;
  const token = Buffer.from(random(16)).toString("hex");
  const own: Holder = { pid, bootId, startTime, pidNamespace, token };
  const draft = `${LOCK_FILE}.${token}`;
  const file = directory.create(draft);
  try {
    file.pwrite(Buffer.from(`${JSON.stringify(own)}\n`, "utf8"), 0);
    file.fdatasync();
  } finally {
    file.close();
  }
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (linked(directory, draft)) return held(directory, own);
      removeStale(directory, settings, `${draft}.stale`);
    }
  } finally {
    directory.remove(draft);
  }
  throw new StorageError(
    "locked",
    `could not take ${LOCK_FILE} in ${directory.path}: other processes are starting too`,
  );
}

function linked(directory: Directory, draft: string): boolean {
  try {
    directory.link(draft, LOCK_FILE);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Moves a stale lock away; if it turns out to be another one than was judged, puts it back and gives up. */
function removeStale(directory: Directory, settings: LockSettings, aside: string): void {
  const judged = readHolder(directory, LOCK_FILE);
  if (judged === undefined) return;
  refuseLive(directory, judged, settings);
  try {
    directory.rename(LOCK_FILE, aside);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return;
    throw error;
  }
  if (readHolder(directory, aside)?.token !== judged.token) {
    directory.rename(aside, LOCK_FILE);
    throw new StorageError("locked", `another process took ${LOCK_FILE} in ${directory.path} at the same time`);
  }
  directory.remove(aside);
}

function refuseLive(directory: Directory, holder: Holder, { process, unverifiable }: LockSettings): void {
  if (holder.bootId !== "" && process.bootId !== "" && holder.bootId !== process.bootId) return;
  if (holder.pidNamespace !== process.pidNamespace) {
    if (unverifiable === "take-over") return;
    throw new StorageError(
      "locked",
      `process ${holder.pid} of another container on this machine holds ${directory.path}, and whether it still runs ` +
        `cannot be seen from here. Stop it; if it is gone, remove ${LOCK_FILE} and start again`,
      { file: LOCK_FILE },
    );
  }
  const startTime = process.startTimeOf(holder.pid);
  if (startTime === undefined) return;
  if (startTime !== "" && holder.startTime !== "" && startTime !== holder.startTime) return;
  throw new StorageError("locked", `process ${holder.pid} holds ${directory.path}. Stop it, or use another directory`, {
    file: LOCK_FILE,
  });
}

function held(directory: Directory, own: Holder): DirectoryLock {
  const check = (): void => {
    const holder = readHolder(directory, LOCK_FILE);
    if (holder?.token === own.token) return;
    const found = holder === undefined ? "no such file" : `that of process ${holder.pid}`;
    throw new StorageError("locked", `expected the lock of this process in ${directory.path}, found ${found}`, {
      file: LOCK_FILE,
    });
  };
  return {
    check,
    release: () => {
      if (readHolder(directory, LOCK_FILE)?.token === own.token) directory.remove(LOCK_FILE);
    },
  };
}

/** Undefined if there is no such file. */
function readHolder(directory: Directory, name: string): Holder | undefined {
  let text: string;
  try {
    text = Buffer.from(readWhole(directory, name)).toString("utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return parseHolder(JSON.parse(text));
  } catch (error) {
    throw new StorageError(
      "locked",
      `${name} in ${directory.path} cannot be read (${reasonOf(error)}), so whether another process holds the directory ` +
        "cannot be told. If none does, remove the file and start again",
      { file: name },
    );
  }
}

function parseHolder(value: unknown): Holder {
  const { pid, bootId, startTime, pidNamespace, token } = Object(value) as Record<string, unknown>;
  const texts = [bootId, startTime, pidNamespace, token];
  if (typeof pid !== "number" || !texts.every((text) => typeof text === "string")) {
    throw new TypeError("expected a pid, a boot id, a start time, a pid namespace and a token");
  }
  return { pid, bootId, startTime, pidNamespace, token } as Holder;
}
