// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { checkJournalLimits, type FencedJournal, JournalError, type JournalLimits } from "@tsoracle/consensus";
import { FileJournal } from "./file-journal.ts";
import { type JournalFileSystem, nodeJournalFileSystem } from "./file-system.ts";
import { reasonOf, systemCodeOf } from "./system-error.ts";

export interface FileJournalOptions {
  /** The directory, on a local file system; made if it is not there, in a directory that is. */
  readonly directory: string;
  /** The largest that is taken, in bytes. @defaultValue 64 KiB an entry, 1 MiB a snapshot */
  readonly limits?: Partial<JournalLimits> | undefined;
  /** After this long a call rejects although its write goes on, in milliseconds. @defaultValue 5000 */
  readonly writeTimeoutMs?: number | undefined;
  /** Where tests inject failures. @defaultValue the real one */
  readonly fileSystem?: JournalFileSystem | undefined;
}

const MAX_WRITE_TIMEOUT_MS = 600_000;

/**
 * Opens journals that are kept in one directory, a log and a snapshot per session, for this process alone. An entry is
 * on the medium (fsync) before its append resolves. A torn end of a log is repaired when its session is first used; a
 * session whose files are damaged answers `permanent`, and the others go on.
 *
 * @throws JournalError `invalid`, `in_use`, `permanent`.
 */
export async function openFileJournal(options: FileJournalOptions): Promise<FencedJournal> {
  const { fileSystem = nodeJournalFileSystem, writeTimeoutMs = 5_000 } = options;
  if (typeof options.directory !== "string" || options.directory === "") {
    throw new JournalError("invalid", `directory: expected a path, got ${JSON.stringify(options.directory)}`);
  }
  if (!Number.isInteger(writeTimeoutMs) || writeTimeoutMs < 1 || writeTimeoutMs > MAX_WRITE_TIMEOUT_MS) {
    throw new JournalError(
      "invalid",
      `writeTimeoutMs: expected an integer from 1 to ${MAX_WRITE_TIMEOUT_MS}, got ${String(writeTimeoutMs)}`,
    );
  }
  const limits = checkJournalLimits(options.limits);
  const directory = resolve(options.directory);
  await prepare(fileSystem, directory);
  const lock = await fileSystem.lock(directory).catch((error: unknown) => {
    throw error instanceof JournalError ? error : unusable(directory, error);
  });
  try {
    // A name that an earlier process gave may be in the cache only; what is served from now on rests on it.
    await fileSystem.syncDirectory(directory);
  } catch (error) {
    await lock.release();
    throw unusable(directory, error);
  }
  const maxBodyBytes = Math.max(limits.maxEntryBytes, limits.maxSnapshotBytes);
  const place = { fileSystem, directory, checkLock: () => lock.check(), maxBodyBytes };
  return new FileJournal({ place, lock, limits, writeTimeoutMs });
}

async function prepare(fileSystem: JournalFileSystem, directory: string): Promise<void> {
  try {
    await fileSystem.makeDirectory(directory);
    // A mount point may not let its parent be synced; then it was there before us.
    await fileSystem.syncDirectory(resolve(directory, "..")).catch((error: unknown) => {
      if (!["EACCES", "EPERM"].includes(systemCodeOf(error) ?? "")) throw error;
    });
  } catch (error) {
    throw unusable(directory, error);
  }
}

function unusable(directory: string, cause: unknown): JournalError {
  return new JournalError(
    "permanent",
    `cannot use the journal directory ${directory}: ${reasonOf(cause)}. Its parent must be there, and it must be writable`,
    { cause },
  );
}
