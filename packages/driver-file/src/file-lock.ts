// SPDX-License-Identifier: Apache-2.0
import { close, constants, fstat, ftruncate, open, stat, write } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { FileDriverError, ioRefused, reasonOf } from "./file-driver-error.ts";
import { tryFlock } from "./flock.ts";

/** An exclusive lock that is held until it is released or this process is gone, however it ends. */
export interface FileLock {
  /**
   * Rejects when the name no longer leads to the locked file: somebody removed it, or moved the whole
   * directory away, so that another process may hold a lock of that name.
   */
  check(): Promise<void>;
  release(): Promise<void>;
}

// Plain descriptors, because Node closes a FileHandle that is garbage-collected, and with it would go the lock.
const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const statDescriptor = promisify(fstat);
const statPath = promisify(stat);
const truncateDescriptor = promisify(ftruncate);
const writeDescriptor = promisify(write);

/**
 * Takes flock(2) on `path`, which is created if need be and never replaced or removed. It is the
 * lock that the Rust server takes, so the two exclude each other.
 *
 * The file then names this process, for the message that the next one prints. The kernel's lock
 * decides, not that number.
 *
 * @throws FileDriverError `already_locked`, `lock_unavailable`, `io`.
 */
export async function acquireFileLock(path: string): Promise<FileLock> {
  // Node opens with O_CLOEXEC, so that child processes do not inherit the lock and outlive us with it.
  const descriptor = await openDescriptor(path, constants.O_RDWR | constants.O_CREAT, 0o644).catch((error: unknown) => {
    throw ioRefused("open the lock file", path, error);
  });
  try {
    if ((await tryFlock(descriptor, path)) === "held") throw await lockedElsewhere(path);
    await checkSameFile(descriptor, path);
    await notePid(descriptor, path);
  } catch (error) {
    await closeDescriptor(descriptor);
    throw error;
  }
  let released: Promise<void> | undefined;
  return {
    check: () => checkSameFile(descriptor, path),
    release: () => {
      released ??= releaseLock(descriptor);
      return released;
    },
  };
}

async function releaseLock(descriptor: number): Promise<void> {
  try {
    await truncateDescriptor(descriptor, 0);
  } catch {
    // The number left behind is only ever used in a message.
  }
  await closeDescriptor(descriptor);
}

/** A lock on a file that somebody has just removed or replaced would exclude nobody. */
async function checkSameFile(descriptor: number, path: string): Promise<void> {
  const held = await statDescriptor(descriptor, { bigint: true });
  const named = await statPath(path, { bigint: true }).catch(() => undefined);
  if (named?.ino === held.ino && named.dev === held.dev) return;
  throw ioRefused("lock", path, new Error("the lock file was removed or replaced while it was being locked"));
}

async function notePid(descriptor: number, path: string): Promise<void> {
  try {
    await truncateDescriptor(descriptor, 0);
    await writeDescriptor(descriptor, `${process.pid}\n`, 0);
  } catch (error) {
    throw ioRefused("write", path, error);
  }
}

async function lockedElsewhere(path: string): Promise<FileDriverError> {
  const holderPid = await readHolder(path);
  const holder = holderPid === undefined ? "another process" : `process ${holderPid}`;
  const directory = dirname(path);
  return new FileDriverError(
    "already_locked",
    `the state directory ${directory} is in use by ${holder}. One directory serves one oracle: stop the other one, or use another directory; do not remove ${path}`,
    { path: directory, holderPid },
  );
}

/** The process that the lock file names, unless it is gone: then the number is old and the holder unknown. */
async function readHolder(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (!/^[1-9]\d{0,9}\n$/.test(text)) return undefined;
  const pid = Number(text);
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // A process of another user answers EPERM: it exists.
    return reasonOf(error).includes("EPERM") ? pid : undefined;
  }
}
