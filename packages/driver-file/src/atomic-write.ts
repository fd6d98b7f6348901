// SPDX-License-Identifier: Apache-2.0
import { reasonOf, systemCodeOf } from "./file-driver-error.ts";
import type { FileSystem, SyncableDirectory, WritableFile } from "./file-system.ts";

/** The steps of one write, in order. */
export type WriteStep = "check_lock" | "create" | "write" | "sync" | "close" | "rename" | "sync_directory";

/** A write that was not completed. */
export class AtomicWriteError extends Error {
  override readonly name = "AtomicWriteError";
  readonly step: WriteStep;
  readonly path: string;
  /**
   * `refused`: the system would not take the bytes; the old record is in force, and trying again is
   * safe. `doubtful`: what a crash would leave is unknown, now and for later writes of this process.
   */
  readonly outcome: "refused" | "doubtful";

  constructor(step: WriteStep, path: string, cause: unknown) {
    super(`${STEP_NAMES[step]} ${path} failed: ${reasonOf(cause)}`, { cause });
    this.step = step;
    this.path = path;
    this.outcome = outcomeOf(step, cause);
  }
}

const STEP_NAMES: Readonly<Record<WriteStep, string>> = {
  check_lock: "checking the lock before writing",
  create: "creating",
  write: "writing",
  sync: "fsync of",
  close: "closing",
  rename: "renaming to",
  sync_directory: "fsync of the directory of",
};

const TEMPORARY_STEPS: readonly WriteStep[] = ["create", "write", "sync", "close"];

/** Refusals that concern only the bytes offered: nothing was renamed, and the next write starts from an empty file. */
const REFUSALS: readonly string[] = [
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "EACCES",
  "EPERM",
  "EROFS",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
];

/**
 * After a failed fsync the kernel may have dropped the pages and marked them clean, so that the next
 * fsync reports success for data that is not there. From then on nothing that this process is told
 * can be believed. Before fsync, only the refusals on the list are known to be harmless.
 */
function outcomeOf(step: WriteStep, cause: unknown): "refused" | "doubtful" {
  switch (step) {
    case "create":
    case "write":
      return REFUSALS.includes(systemCodeOf(cause) ?? "") ? "refused" : "doubtful";
    case "check_lock":
    case "sync":
    case "close":
    case "rename":
    case "sync_directory":
      return "doubtful";
    default:
      return step satisfies never;
  }
}

export interface AtomicWriteTarget {
  readonly fileSystem: FileSystem;
  /** The directory of `path`, open for syncing. */
  readonly directory: SyncableDirectory;
  readonly path: string;
  /** Rejects when the directory may belong to somebody else. */
  readonly checkLock: () => Promise<void>;
}

/**
 * Replaces a file so that a crash at any instant leaves the old content or the new one, and resolves
 * when it can only leave the new one: write `path.tmp`, fsync, rename, fsync of the directory. What a
 * crash left in `path.tmp` is overwritten and never read.
 *
 * @throws AtomicWriteError
 */
export async function atomicWrite(target: AtomicWriteTarget, bytes: Uint8Array): Promise<void> {
  const { fileSystem, directory, path, checkLock } = target;
  const temporary = `${path}.tmp`;
  const step = async <T>(name: WriteStep, action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw new AtomicWriteError(name, TEMPORARY_STEPS.includes(name) ? temporary : path, error);
    }
  };
  // Somebody else's half-written file must not be emptied, nor a finished one replaced by an older value.
  await step("check_lock", checkLock);
  const file = await step("create", () => fileSystem.createFile(temporary));
  try {
    await step("write", () => file.write(bytes));
    await step("sync", () => file.sync());
  } catch (error) {
    await closeAfterFailure(file);
    throw error;
  }
  await step("close", () => file.close());
  await step("check_lock", checkLock);
  await step("rename", () => fileSystem.rename(temporary, path));
  await step("sync_directory", () => directory.sync());
}

/** The first failure is the one to report. */
async function closeAfterFailure(file: WritableFile): Promise<void> {
  try {
    await file.close();
  } catch {
    // Nothing was renamed, and the failure that led here already says so.
  }
}
