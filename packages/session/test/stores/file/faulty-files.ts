// SPDX-License-Identifier: Apache-2.0
import { basename } from "node:path";
import {
  type DirectoryLock,
  type JournalFile,
  type JournalFileSystem,
  nodeJournalFileSystem,
} from "../../../src/file.ts";

/** An operation with the end of its file's name, such as `sync .journal` or `syncDirectory`. */
type Matcher = (operation: string) => boolean;

interface Plan {
  readonly matches: Matcher;
  readonly error: Error;
  /** Whether the operation does its work before it rejects. */
  readonly moment: "before" | "after";
  /** Of a write, how many bytes reach the file before it rejects. */
  readonly partialBytes: number;
}

/** An error as the system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The real file system as one process has it, with faults: an operation fails, or waits, or the process dies. */
export class FaultyFiles implements JournalFileSystem {
  /** Every operation that was begun. */
  readonly log: string[] = [];
  readonly #plans: Plan[] = [];
  readonly #locks: DirectoryLock[] = [];
  #stall: Promise<void> | undefined;
  #underway = new Set<Promise<unknown>>();
  #dead = false;

  /** The next operation that matches rejects, having done nothing or everything. */
  fail(matches: Matcher | string, error: Error, moment: "before" | "after" = "before", partialBytes = 0): void {
    const matcher: Matcher = typeof matches === "string" ? (operation) => operation === matches : matches;
    this.#plans.push({ matches: matcher, error, moment, partialBytes });
  }

  /** Writes and syncs wait from now on, until released. */
  stall(): () => void {
    let release: () => void = () => {};
    this.#stall = new Promise<void>((resolve) => {
      release = resolve;
    });
    return () => {
      this.#stall = undefined;
      release();
    };
  }

  /** The process dies: what it had begun ends, nothing later has an effect or an answer, and the kernel ends its lock. */
  async die(): Promise<void> {
    this.#dead = true;
    await Promise.allSettled(this.#underway);
    for (const lock of this.#locks) await lock.release();
  }

  makeDirectory(path: string): Promise<boolean> {
    return nodeJournalFileSystem.makeDirectory(path);
  }

  async lock(directory: string): Promise<DirectoryLock> {
    const lock = await nodeJournalFileSystem.lock(directory);
    this.#locks.push(lock);
    return lock;
  }

  readFile(path: string): Promise<Uint8Array | undefined> {
    return this.#perform(`read ${kindOf(path)}`, () => nodeJournalFileSystem.readFile(path));
  }

  createFile(path: string): Promise<JournalFile> {
    return this.#open(`create ${kindOf(path)}`, path, () => nodeJournalFileSystem.createFile(path));
  }

  openFile(path: string): Promise<JournalFile> {
    return this.#open(`open ${kindOf(path)}`, path, () => nodeJournalFileSystem.openFile(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform(`rename ${kindOf(to)}`, () => nodeJournalFileSystem.rename(from, to));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#perform("syncDirectory", () => nodeJournalFileSystem.syncDirectory(path));
  }

  async #open(operation: string, path: string, open: () => Promise<JournalFile>): Promise<JournalFile> {
    const file = await this.#perform(operation, open);
    const kind = kindOf(path);
    return {
      write: (bytes, position) =>
        this.#perform(
          `write ${kind}`,
          () => file.write(bytes, position),
          (partial) => file.write(bytes.subarray(0, partial), position),
        ),
      truncate: (length) => this.#perform(`truncate ${kind}`, () => file.truncate(length)),
      sync: () => this.#perform(`sync ${kind}`, () => file.sync()),
      close: () => file.close(),
    };
  }

  async #perform<T>(
    operation: string,
    effect: () => Promise<T>,
    partly: (bytes: number) => Promise<unknown> = async () => {},
  ): Promise<T> {
    this.log.push(operation);
    if (!operation.startsWith("read") && this.#stall !== undefined) await this.#stall;
    if (this.#dead) return await new Promise<T>(() => {});
    const index = this.#plans.findIndex(({ matches }) => matches(operation));
    const [plan] = index < 0 ? [] : this.#plans.splice(index, 1);
    const work = plan?.moment === "before" ? partly(plan.partialBytes) : effect();
    this.#underway.add(work);
    const done = (): void => void this.#underway.delete(work);
    work.then(done, done);
    const result = await work;
    if (plan !== undefined) throw plan.error;
    if (this.#dead) return await new Promise<T>(() => {});
    return result as T;
  }
}

/** `.journal`, `.snapshot`, or either with `.tmp`. */
function kindOf(path: string): string {
  return basename(path).replace(/^[0-9a-f]{64}/, "");
}
