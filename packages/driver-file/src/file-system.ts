// SPDX-License-Identifier: Apache-2.0
import { constants } from "node:fs";
import { access, type FileHandle, open, readFile, realpath, rename } from "node:fs/promises";
import { systemCodeOf } from "./file-driver-error.ts";
import { acquireFileLock, type FileLock } from "./file-lock.ts";
import { makeDirectory } from "./make-directory.ts";

/**
 * The few file operations on which durability rests: the port at which tests inject failures and
 * simulate power loss. Every operation either does what it says or rejects with the system's error.
 */
export interface FileSystem {
  /** Creates a directory and its missing parents; resolves to the outermost one that it created. */
  makeDirectory(path: string): Promise<string | undefined>;
  /** The path without symbolic links. */
  realPath(path: string): Promise<string>;
  /** Rejects unless entries can be made in the directory. */
  checkWritable(directory: string): Promise<void>;
  /** Takes the exclusive lock on `path`, at once or not at all; the kernel frees it when this process ends. */
  lock(path: string): Promise<FileLock>;
  /** The whole content; undefined if there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Opens for writing, creating or emptying the file. */
  createFile(path: string): Promise<WritableFile>;
  /** Replaces `to` atomically. Durable only after the directory was synced. */
  rename(from: string, to: string): Promise<void>;
  openDirectory(path: string): Promise<SyncableDirectory>;
}

export interface WritableFile {
  /** Writes all of `bytes`. */
  write(bytes: Uint8Array): Promise<void>;
  /** fsync: resolves when content and size are on the medium. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface SyncableDirectory {
  /** fsync: resolves when the entries are on the medium. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The real one: `node:fs/promises`, so that every call waits in the thread pool and not on the event loop. */
export const nodeFileSystem: FileSystem = Object.freeze({
  makeDirectory,
  realPath: (path: string) => realpath(path),
  checkWritable: (directory: string) => access(directory, constants.W_OK | constants.X_OK),
  lock: acquireFileLock,
  async readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(path);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  async createFile(path: string): Promise<WritableFile> {
    const handle = await open(path, "w", 0o644);
    return { write: (bytes) => handle.writeFile(bytes), ...syncAndClose(handle) };
  },
  rename: (from: string, to: string) => rename(from, to),
  async openDirectory(path: string): Promise<SyncableDirectory> {
    return syncAndClose(await open(path, constants.O_RDONLY | constants.O_DIRECTORY));
  },
});

function syncAndClose(handle: FileHandle): SyncableDirectory {
  return { sync: () => handle.sync(), close: () => handle.close() };
}
