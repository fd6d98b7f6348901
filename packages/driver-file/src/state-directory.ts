// SPDX-License-Identifier: Apache-2.0
import { dirname, join, resolve } from "node:path";
import { type AtomicWriteError, atomicWrite } from "./atomic-write.ts";
import { FileDriverError, ioRefused } from "./file-driver-error.ts";
import type { FileLock } from "./file-lock.ts";
import type { FileSystem, SyncableDirectory } from "./file-system.ts";
import type { RecordFile } from "./record.ts";

/** An open state directory: locked for as long as it is open. */
export class StateDirectory {
  /** Absolute and without symbolic links, so that it stays the same directory whatever happens to them. */
  readonly path: string;
  readonly #fileSystem: FileSystem;
  readonly #directory: SyncableDirectory;
  readonly #lock: FileLock;

  private constructor(path: string, fileSystem: FileSystem, directory: SyncableDirectory, lock: FileLock) {
    this.path = path;
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#lock = lock;
  }

  /**
   * Creates the directory if need be and takes `LOCK` before anything in it is read.
   *
   * @throws FileDriverError `invalid_option`, `already_locked`, `lock_unavailable`, `io`.
   */
  static async open(stateDir: string, fileSystem: FileSystem): Promise<StateDirectory> {
    const path = await prepareDirectory(stateDir, fileSystem);
    const lock = await fileSystem.lock(join(path, "LOCK"));
    try {
      const directory = await attempt("open", path, () => fileSystem.openDirectory(path));
      return new StateDirectory(path, fileSystem, directory, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  pathOf(file: RecordFile): string {
    return join(this.path, file);
  }

  /** The whole file; undefined if there is none. @throws FileDriverError `io`. */
  read(file: RecordFile): Promise<Uint8Array | undefined> {
    const path = this.pathOf(file);
    return attempt("read", path, () => this.#fileSystem.readFile(path));
  }

  /** Resolves when the record is durable. One write at a time. @throws AtomicWriteError */
  write(file: RecordFile, bytes: Uint8Array): Promise<void> {
    const target = {
      fileSystem: this.#fileSystem,
      directory: this.#directory,
      path: this.pathOf(file),
      checkLock: () => this.#lock.check(),
    };
    return atomicWrite(target, bytes);
  }

  /** As {@link write}, for those who have no writer yet. @throws FileDriverError `io`. */
  async writeOrRefuse(file: RecordFile, bytes: Uint8Array): Promise<void> {
    await this.write(file, bytes).catch((error: AtomicWriteError) => {
      throw ioRefused("write", this.pathOf(file), error);
    });
  }

  /** Frees the lock. Only when nothing is being written. */
  async close(): Promise<void> {
    try {
      await this.#directory.close();
    } finally {
      await this.#lock.release();
    }
  }
}

async function prepareDirectory(stateDir: string, fileSystem: FileSystem): Promise<string> {
  if (typeof stateDir !== "string" || stateDir === "") {
    throw new FileDriverError("invalid_option", `expected stateDir as a path, got ${JSON.stringify(stateDir)}`);
  }
  const wanted = resolve(stateDir);
  return await attempt("use the state directory", wanted, async () => {
    const outermost = await fileSystem.makeDirectory(wanted);
    const path = await fileSystem.realPath(wanted);
    if (outermost !== undefined) await syncParents(outermost, wanted, fileSystem);
    // An earlier start may have been cut off before its sync. Parents of a mounted volume may not allow it.
    else await syncParents(path, path, fileSystem).catch(() => {});
    await fileSystem.checkWritable(path);
    return path;
  });
}

/** A directory is durable when its parent's entry is: without this a power cut could take all of it. */
async function syncParents(outermost: string, innermost: string, fileSystem: FileSystem): Promise<void> {
  for (let created = innermost; created.length >= outermost.length; created = dirname(created)) {
    const parent = await fileSystem.openDirectory(dirname(created));
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
  }
}

async function attempt<T>(doing: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof FileDriverError ? error : ioRefused(doing, path, error);
  }
}
