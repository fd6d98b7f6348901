// SPDX-License-Identifier: Apache-2.0
import { type FileDriver, OpenFileDriver } from "./driver.ts";
import { FileDriverError } from "./file-driver-error.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { readRecords } from "./read-records.ts";
import { StateDirectory } from "./state-directory.ts";

export interface FileDriverOptions {
  /** Created if missing. On a local file system, and for one oracle. */
  readonly stateDir: string;
  /**
   * After this long a call whose write has not ended rejects, in milliseconds; the write itself goes on.
   *
   * @defaultValue 5000
   */
  readonly writeTimeoutMs?: number | undefined;
  /** For tests that inject failures. @defaultValue the real one */
  readonly fileSystem?: FileSystem | undefined;
}

const DEFAULT_WRITE_TIMEOUT_MS = 5_000;
const MAX_WRITE_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Opens a state directory, empty or with a history, and leads in epoch 0 until it is disposed.
 *
 * It takes the exclusive lock before it reads anything, checks all three record files, and makes
 * durable what it read. Dispose of it to free the lock in good order; the kernel frees it otherwise.
 *
 * @throws FileDriverError; the records are then what they were.
 */
export async function openFileDriver(options: FileDriverOptions): Promise<FileDriver> {
  const { stateDir, writeTimeoutMs = DEFAULT_WRITE_TIMEOUT_MS, fileSystem = nodeFileSystem } = options;
  if (!Number.isInteger(writeTimeoutMs) || writeTimeoutMs < 1 || writeTimeoutMs > MAX_WRITE_TIMEOUT_MS) {
    throw new FileDriverError(
      "invalid_option",
      `expected writeTimeoutMs as an integer from 1 to ${MAX_WRITE_TIMEOUT_MS}, got ${String(writeTimeoutMs)}`,
    );
  }
  const directory = await StateDirectory.open(stateDir, fileSystem);
  try {
    const records = await readRecords(directory);
    return new OpenFileDriver({ directory, records, writeTimeoutMs });
  } catch (error) {
    await directory.close();
    throw error;
  }
}
