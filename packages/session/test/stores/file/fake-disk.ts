// SPDX-License-Identifier: Apache-2.0
import { basename } from "node:path";
import type { JournalFile, JournalFileSystem } from "../../../src/file.ts";

/** What of the unsynced survives a power cut. A disk may reorder whatever no fsync has ordered. */
export type Survival =
  /** Only what was synced. */
  | "synced-only"
  /** Everything, as after the death of the process alone. */
  | "everything"
  /** All names and sizes, but of unsynced content only the first half, and zeros after it. */
  | "names-with-torn-content";

export const SURVIVALS: readonly Survival[] = ["synced-only", "everything", "names-with-torn-content"];

/** A disk that lies, for control runs: each lie must be found out. */
export type Lie = "file-sync-does-nothing" | "directory-sync-does-nothing";

interface Inode {
  cached: Buffer;
  synced: Buffer | undefined;
}

/** Never settles: what a dead process was waiting for. */
const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** One directory on a disk with a page cache, and the processes that use it one after the other. */
export class FakeDisk {
  readonly #lie: Lie | undefined;
  #names = new Map<string, Inode>();
  #syncedNames = new Map<string, Inode>();

  constructor(lie?: Lie) {
    this.#lie = lie;
  }

  /** The power fails: of what was not synced only what `survival` says is left. */
  cutPower(survival: Survival): void {
    if (survival === "synced-only") this.#names = new Map(this.#syncedNames);
    for (const inode of new Set(this.#names.values())) {
      const { cached, synced = Buffer.alloc(0) } = inode;
      if (survival === "synced-only") inode.cached = synced;
      if (survival === "names-with-torn-content" && !cached.equals(synced)) inode.cached = torn(cached, synced);
      inode.synced = inode.cached;
    }
    this.#syncedNames = new Map(this.#names);
  }

  /** A process that dies at its `diesAt`-th operation: before it has an effect, or after it and without an answer. */
  startProcess(diesAt: number, moment: "before" | "after"): FakeProcess {
    const operations: string[] = [];
    let announce: () => void = () => {};
    const dead = new Promise<void>((resolve) => {
      announce = resolve;
    });
    let alive = true;
    const step = async <T>(operation: string, effect: () => T): Promise<T> => {
      await Promise.resolve();
      if (!alive) return await never();
      const dies = operations.push(operation) > diesAt;
      if (dies) alive = false;
      if (dies) announce();
      if (dies && moment === "before") return await never();
      const result = effect();
      return dies ? await never() : result;
    };
    return { fileSystem: this.#fileSystem(step), operations, dead };
  }

  #fileSystem(step: <T>(operation: string, effect: () => T) => Promise<T>): JournalFileSystem {
    const open = (inode: Inode, name: string): JournalFile => ({
      write: (bytes, position) =>
        step(`write ${name}`, () => {
          const grown = Buffer.alloc(Math.max(inode.cached.length, position + bytes.length));
          inode.cached.copy(grown);
          grown.set(bytes, position);
          inode.cached = grown;
        }),
      truncate: (length) =>
        step(`truncate ${name}`, () => {
          inode.cached = inode.cached.subarray(0, length);
        }),
      sync: () =>
        step(`sync ${name}`, () => {
          if (this.#lie !== "file-sync-does-nothing") inode.synced = Buffer.from(inode.cached);
        }),
      close: async () => {},
    });
    return {
      makeDirectory: async () => false,
      lock: async () => ({ check: async () => {}, release: async () => {} }),
      readFile: (path) =>
        step(`read ${basename(path)}`, () => {
          const inode = this.#names.get(basename(path));
          return inode === undefined ? undefined : Uint8Array.from(inode.cached);
        }),
      createFile: (path) =>
        step(`create ${basename(path)}`, () => {
          const inode = this.#names.get(basename(path)) ?? { cached: Buffer.alloc(0), synced: undefined };
          inode.cached = Buffer.alloc(0);
          this.#names.set(basename(path), inode);
          return open(inode, basename(path));
        }),
      openFile: (path) =>
        step(`open ${basename(path)}`, () => {
          const inode = this.#names.get(basename(path));
          if (inode === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
          return open(inode, basename(path));
        }),
      rename: (from, to) =>
        step(`rename ${basename(to)}`, () => {
          const inode = this.#names.get(basename(from));
          if (inode === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
          this.#names.delete(basename(from));
          this.#names.set(basename(to), inode);
        }),
      syncDirectory: (path) =>
        step("sync directory", () => {
          if (path === DIRECTORY && this.#lie !== "directory-sync-does-nothing") {
            this.#syncedNames = new Map(this.#names);
          }
        }),
    };
  }
}

export interface FakeProcess {
  readonly fileSystem: JournalFileSystem;
  /** What it did, in order. */
  readonly operations: readonly string[];
  /** Resolves when the process is dead. */
  readonly dead: Promise<void>;
}

/** The directory that the disk holds. */
export const DIRECTORY = "/journals";

/** The size is there, and of the bytes that were not synced the first half. */
function torn(cached: Buffer, synced: Buffer): Buffer {
  const same = cached.findIndex((byte, index) => byte !== synced[index]);
  const from = same < 0 ? Math.min(cached.length, synced.length) : same;
  const kept = from + Math.floor((cached.length - from) / 2);
  const left = Buffer.from(cached);
  left.fill(0, kept);
  // What was synced at those places and is of the same size was not overwritten by zeros.
  if (synced.length === cached.length) synced.copy(left, kept, kept);
  return left;
}
