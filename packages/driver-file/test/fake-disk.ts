// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from "node:path";
import {
  FileDriverError,
  type FileLock,
  type FileSystem,
  type SyncableDirectory,
  type WritableFile,
} from "../src/index.ts";

/**
 * What of the unsynced survives a power cut. POSIX allows each, because a disk may reorder whatever no
 * fsync has ordered.
 */
export type Survival =
  /** Only what was synced. */
  | "synced-only"
  /** Everything, as after the death of the process alone. */
  | "everything"
  /** All names, but of unsynced content only a torn half. */
  | "names-with-torn-content";

export const SURVIVALS: readonly Survival[] = ["synced-only", "everything", "names-with-torn-content"];

/** The directory that the disk holds. */
export const STATE_DIR = "/oracle";

/** A disk that lies, for control runs: each lie must be found out. */
export type Lie = "file-sync-does-nothing" | "directory-sync-does-nothing";

interface Inode {
  cached: Uint8Array;
  synced: Uint8Array | undefined;
}

/**
 * One directory on a disk with a page cache: what was written is visible at once and durable only
 * after fsync of the file, and names only after fsync of the directory.
 */
export class FakeDisk {
  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();
  #lies: ReadonlySet<Lie>;
  readonly #processes = new Set<Process>();
  #holder: Process | undefined;

  constructor(lies: readonly Lie[] = []) {
    this.#lies = new Set(lies);
  }

  /**
   * A process that uses this disk and dies at its `diesAt`-th operation: `before` it has had an effect,
   * or `after`, when the effect is there and the answer is not.
   */
  startProcess(diesAt = Number.POSITIVE_INFINITY, moment: "before" | "after" = "before"): Process {
    const process = new Process(this, diesAt, moment);
    this.#processes.add(process);
    return process;
  }

  /** Gives `LOCK` to a process; false while another one that lives has it. */
  lock(process: Process): boolean {
    if (this.#holder?.alive === true) return false;
    this.#holder = process;
    return true;
  }

  unlock(process: Process): void {
    if (this.#holder === process) this.#holder = undefined;
  }

  /** The power fails: all processes are gone, and of what they did not sync only what `survival` says is left. */
  cutPower(survival: Survival): void {
    for (const process of this.#processes) process.kill();
    this.#processes.clear();
    if (survival === "synced-only") this.#names = new Map(this.#syncedNames);
    for (const inode of new Set(this.#names.values())) {
      if (survival === "synced-only") inode.cached = inode.synced ?? new Uint8Array(0);
      if (survival === "names-with-torn-content" && inode.cached !== inode.synced) {
        inode.cached = inode.cached.subarray(0, inode.cached.length >> 1);
      }
      inode.synced = inode.cached;
    }
    this.#syncedNames = new Map(this.#names);
  }

  /** A file that has been on the medium all along. */
  install(name: string, content: Uint8Array): void {
    const inode: Inode = { cached: content, synced: content };
    this.#names.set(name, inode);
    this.#syncedNames.set(name, inode);
  }

  read(name: string): Uint8Array | undefined {
    return this.#names.get(name)?.cached;
  }

  create(name: string): Inode {
    const inode: Inode = this.#names.get(name) ?? { cached: new Uint8Array(0), synced: undefined };
    inode.cached = new Uint8Array(0);
    this.#names.set(name, inode);
    return inode;
  }

  append(inode: Inode, bytes: Uint8Array): void {
    inode.cached = Uint8Array.from(Buffer.concat([inode.cached, bytes]));
  }

  syncFile(inode: Inode): void {
    if (!this.#lies.has("file-sync-does-nothing")) inode.synced = inode.cached;
  }

  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${from}`), { code: "ENOENT" });
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  syncDirectory(): void {
    if (!this.#lies.has("directory-sync-does-nothing")) this.#syncedNames = new Map(this.#names);
  }
}

/** Never settles: what a dead process was waiting for. */
const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** One process's view of the disk. */
class Process {
  readonly fileSystem: FileSystem;
  /** Resolves when the process is dead. */
  readonly dead: Promise<void>;
  /** What it did, in order. */
  readonly operations: string[] = [];
  readonly #disk: FakeDisk;
  readonly #diesAt: number;
  readonly #moment: "before" | "after";
  #alive = true;
  #announceDeath: () => void = () => {};

  constructor(disk: FakeDisk, diesAt: number, moment: "before" | "after") {
    this.#disk = disk;
    this.#diesAt = diesAt;
    this.#moment = moment;
    this.dead = new Promise((resolve) => {
      this.#announceDeath = resolve;
    });
    this.fileSystem = this.#makeFileSystem();
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
    this.#announceDeath();
  }

  async #step<T>(operation: string, effect: () => T): Promise<T> {
    await Promise.resolve();
    if (!this.#alive) return await never();
    const dies = this.operations.push(operation) > this.#diesAt;
    if (dies && this.#moment === "before") {
      this.kill();
      return await never();
    }
    const result = effect();
    if (!dies) return result;
    this.kill();
    return await never();
  }

  #makeFileSystem(): FileSystem {
    const disk = this.#disk;
    return {
      makeDirectory: async () => undefined,
      realPath: async (path) => path,
      checkWritable: async () => {},
      lock: async (path) => this.#lock(path),
      readFile: (path) => this.#step(`read ${basename(path)}`, () => disk.read(basename(path))),
      createFile: async (path): Promise<WritableFile> => {
        const name = basename(path);
        const inode = await this.#step(`create ${name}`, () => disk.create(name));
        return {
          write: (bytes) => this.#step(`write ${name}`, () => disk.append(inode, bytes)),
          sync: () => this.#step(`sync ${name}`, () => disk.syncFile(inode)),
          close: () => this.#step(`close ${name}`, () => {}),
        };
      },
      rename: (from, to) => this.#step(`rename ${basename(to)}`, () => disk.rename(basename(from), basename(to))),
      openDirectory: async (path): Promise<SyncableDirectory> => ({
        // Its parent is another directory: syncing that one makes no record durable.
        sync: async () =>
          path === STATE_DIR ? await this.#step("sync directory", () => disk.syncDirectory()) : undefined,
        close: async () => {},
      }),
    };
  }

  #lock(path: string): FileLock {
    if (!this.#disk.lock(this)) throw new FileDriverError("already_locked", `${dirname(path)} is in use`);
    return { check: async () => {}, release: async () => this.#disk.unlock(this) };
  }
}
