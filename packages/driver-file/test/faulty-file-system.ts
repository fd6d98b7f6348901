// SPDX-License-Identifier: Apache-2.0
import { basename } from "node:path";
import {
  type FileLock,
  type FileSystem,
  nodeFileSystem,
  type SyncableDirectory,
  type WritableFile,
} from "../src/index.ts";

/** The operations of a write, in order, as {@link FaultyFileSystem.log} names them with their file. */
export type Operation = "create" | "write" | "sync" | "close" | "rename" | "sync-directory";

type Gate = () => Promise<void>;

/** A promise and its switch. */
interface Hold {
  readonly opened: Promise<void>;
  readonly release: () => void;
}

function makeHold(): Hold {
  let release: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { opened, release };
}

/** An error as the system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/**
 * The real file system of one process, with faults: an operation fails, waits, answers late, or the
 * whole process dies.
 */
export class FaultyFileSystem implements FileSystem {
  /** Every operation that was begun, such as `rename state`. */
  readonly log: string[] = [];
  /** Called with every operation as it begins, before it has an effect. */
  onBegin: (operation: string) => void = () => {};
  readonly #failures: { readonly operation: Operation; readonly error: Error; times: number }[] = [];
  readonly #underway = new Set<Promise<unknown>>();
  readonly #open = new Set<{ close(): Promise<void> }>();
  readonly #locks: FileLock[] = [];
  #stall: Hold | undefined;
  #lateAnswers: { readonly operation: Operation; readonly gate: Gate }[] = [];
  #arrivals: { readonly operation: string; readonly arrived: () => void }[] = [];
  #dead = false;

  /** The next `times` operations of this kind reject and do nothing. */
  fail(operation: Operation, error: Error, times = 1): void {
    this.#failures.push({ operation, error, times });
  }

  /** Operations from now on wait, until released. */
  stall(): () => void {
    const hold = makeHold();
    this.#stall = hold;
    return () => {
      if (this.#stall === hold) this.#stall = undefined;
      hold.release();
    };
  }

  /** The next operation of this kind does its work, and answers when `gate` resolves. */
  answerLate(operation: Operation, gate: Gate): void {
    this.#lateAnswers.push({ operation, gate });
  }

  /** Resolves when an operation such as `rename state` begins, before it has an effect. */
  arrival(operation: string): Promise<void> {
    return new Promise((resolve) => {
      this.#arrivals.push({ operation, arrived: resolve });
    });
  }

  /**
   * The process dies: what it had begun ends, nothing that waits or comes later has any effect or
   * answer, and the kernel frees its locks.
   */
  async die(): Promise<void> {
    this.#dead = true;
    await Promise.allSettled(this.#underway);
    await Promise.allSettled([...this.#open].map((handle) => handle.close()));
    await Promise.all(this.#locks.map((lock) => lock.release()));
  }

  makeDirectory(path: string): Promise<string | undefined> {
    return nodeFileSystem.makeDirectory(path);
  }

  realPath(path: string): Promise<string> {
    return nodeFileSystem.realPath(path);
  }

  checkWritable(directory: string): Promise<void> {
    return nodeFileSystem.checkWritable(directory);
  }

  async lock(path: string): Promise<FileLock> {
    const lock = await nodeFileSystem.lock(path);
    this.#locks.push(lock);
    return lock;
  }

  readFile(path: string): Promise<Uint8Array | undefined> {
    return nodeFileSystem.readFile(path);
  }

  async createFile(path: string): Promise<WritableFile> {
    const name = basename(path);
    const file = await this.#perform("create", name, () => nodeFileSystem.createFile(path));
    this.#open.add(file);
    return {
      write: (bytes) => this.#perform("write", name, () => file.write(bytes)),
      sync: () => this.#perform("sync", name, () => file.sync()),
      close: () => {
        this.#open.delete(file);
        return this.#perform("close", name, () => file.close());
      },
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform("rename", basename(to), () => nodeFileSystem.rename(from, to));
  }

  async openDirectory(path: string): Promise<SyncableDirectory> {
    const directory = await nodeFileSystem.openDirectory(path);
    this.#open.add(directory);
    return {
      sync: () => this.#perform("sync-directory", basename(path), () => directory.sync()),
      close: () => {
        this.#open.delete(directory);
        return directory.close();
      },
    };
  }

  async #perform<T>(operation: Operation, name: string, effect: () => Promise<T>): Promise<T> {
    this.log.push(`${operation} ${name}`);
    this.onBegin(`${operation} ${name}`);
    this.#announce(`${operation} ${name}`);
    while (this.#stall !== undefined) await this.#stall.opened;
    if (this.#dead) return await new Promise<T>(() => {});
    const failure = this.#failures.find((one) => one.operation === operation && one.times > 0);
    if (failure !== undefined) {
      failure.times -= 1;
      throw failure.error;
    }
    const underway = effect();
    this.#underway.add(underway);
    const result = await underway.finally(() => this.#underway.delete(underway));
    await this.#answer(operation);
    return this.#dead ? await new Promise<T>(() => {}) : result;
  }

  #announce(operation: string): void {
    const here = this.#arrivals.filter((one) => one.operation === operation);
    this.#arrivals = this.#arrivals.filter((one) => one.operation !== operation);
    for (const { arrived } of here) arrived();
  }

  async #answer(operation: Operation): Promise<void> {
    const late = this.#lateAnswers.findIndex((one) => one.operation === operation);
    if (late < 0) return;
    const [{ gate } = { gate: async () => {} }] = this.#lateAnswers.splice(late, 1);
    await gate();
  }
}
