// SPDX-License-Identifier: Apache-2.0
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename } from "node:fs/promises";
import { acquireDirectoryLock, type DirectoryLock } from "./directory-lock.ts";
import { systemCodeOf } from "./system-error.ts";

/**
 * The few file operations on which durability rests: the port at which tests inject failures and simulate power cuts.
 * Every operation either does what it says or rejects with the system's error.
 */
export interface JournalFileSystem {
  /** Creates a directory, whose parent is there; resolves to whether it did. */
  makeDirectory(path: string): Promise<boolean>;
  /** Takes the directory for this process, at once or not at all; free again when the process ends, however it ends. */
  lock(directory: string): Promise<DirectoryLock>;
  /** The whole content; undefined if there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Opens for writing, creating or emptying the file. */
  createFile(path: string): Promise<JournalFile>;
  /** Opens a file that is there for writing. */
  openFile(path: string): Promise<JournalFile>;
  /** Replaces `to` atomically. Durable only after the directory was synced. */
  rename(from: string, to: string): Promise<void>;
  /** fsync: resolves when the directory's entries are on the medium. */
  syncDirectory(path: string): Promise<void>;
}

export interface JournalFile {
  /** Writes all of `bytes` at this place. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** fsync: resolves when content and size are on the medium. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The real one: `node:fs/promises`, so that every call waits in the thread pool and not on the event loop. */
export const nodeJournalFileSystem: JournalFileSystem = Object.freeze({
  async makeDirectory(path: string): Promise<boolean> {
    try {
      await mkdir(path);
      return true;
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") return false;
      throw error;
    }
  },
  lock: acquireDirectoryLock,
  async readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(path);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  createFile: async (path: string) => journalFile(await open(path, "w", 0o644)),
  openFile: async (path: string) => journalFile(await open(path, "r+")),
  rename: (from: string, to: string) => rename(from, to),
  async syncDirectory(path: string): Promise<void> {
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
});

function journalFile(handle: FileHandle): JournalFile {
  return {
    async write(bytes, position) {
      let done = 0;
      while (done < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    },
    truncate: (length) => handle.truncate(length),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
