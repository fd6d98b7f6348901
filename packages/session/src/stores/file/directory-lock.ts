// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, stat, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { JournalError } from "@tsoracle/consensus";
import { reasonOf, systemCodeOf } from "./system-error.ts";

/** A directory that is this process's until it is released or the process is gone, however it ends. */
export interface DirectoryLock {
  /** Rejects when the mark in the directory is gone: somebody removed it, and another may have taken the directory. */
  check(): Promise<void>;
  release(): Promise<void>;
}

const MARK = /^lock-(\d+)-[0-9a-f]{16}\.sock$/;
/** A shorter path fits into the address of a socket on every system. */
const MAX_ADDRESS_BYTES = 100;

/**
 * Takes a directory by a listening socket in it: the kernel ends it with its process, and anybody can ask whether it
 * is alive by connecting. Each process first makes its own mark and then looks at the others', so that of two that come
 * at once at least one sees the other and withdraws; both may. A mark has a name of its own, is made once, and is removed
 * as dead only by one whose own mark stands, so that no living mark is ever removed unseen.
 *
 * For local file systems: a socket on a network file system looks dead from another machine.
 *
 * @throws JournalError `in_use`, or `permanent` where there are no such sockets.
 */
export async function acquireDirectoryLock(directory: string): Promise<DirectoryLock> {
  if (process.platform === "win32") {
    throw unusable(directory, "it needs sockets in the file system, which this platform does not have");
  }
  const name = `lock-${process.pid}-${randomBytes(8).toString("hex")}.sock`;
  const handle = await open(directory, "r");
  const mark = new Mark(directory, name, handle);
  try {
    await mark.set();
    const dead: string[] = [];
    for (const other of await readdir(directory)) {
      const [, pid] = MARK.exec(other) ?? [];
      if (pid === undefined || other === name) continue;
      if (await isAlive(mark.addressOf(other))) throw inUse(directory, pid);
      dead.push(other);
    }
    for (const other of dead) await unlink(join(directory, other)).catch(ignoreMissing);
    await mark.check();
  } catch (error) {
    await mark.remove();
    throw error instanceof JournalError ? error : unusable(directory, reasonOf(error));
  }
  let released: Promise<void> | undefined;
  return {
    check: () => mark.check(),
    release: () => {
      released ??= mark.remove();
      return released;
    },
  };
}

class Mark {
  readonly #directory: string;
  readonly #name: string;
  readonly #handle: FileHandle;
  #server: Server | undefined;
  #inode: bigint | undefined;

  constructor(directory: string, name: string, handle: FileHandle) {
    this.#directory = directory;
    this.#name = name;
    this.#handle = handle;
  }

  /** How a socket of this directory is called; a long path goes through the open directory, where that is possible. */
  addressOf(name: string): string {
    const path = join(this.#directory, name);
    if (Buffer.byteLength(path) <= MAX_ADDRESS_BYTES) return path;
    if (process.platform === "linux") return `/proc/self/fd/${this.#handle.fd}/${name}`;
    throw unusable(
      this.#directory,
      `its path is longer than the address of a socket may be (${MAX_ADDRESS_BYTES} bytes)`,
    );
  }

  async set(): Promise<void> {
    const server = createServer((connection) => connection.destroy());
    // Exclusive, because a worker of a cluster would otherwise let its primary process listen.
    const options = { path: this.addressOf(this.#name), exclusive: true };
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, resolve);
    });
    server.on("error", () => {});
    server.unref();
    this.#server = server;
    this.#inode = await this.#inodeNow();
  }

  async check(): Promise<void> {
    if (this.#inode !== undefined && (await this.#inodeNow()) === this.#inode) return;
    throw unusable(this.#directory, `the mark ${this.#name} was removed, so another process may have taken it`);
  }

  async remove(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    await unlink(join(this.#directory, this.#name)).catch(() => {});
    await this.#handle.close().catch(() => {});
  }

  async #inodeNow(): Promise<bigint | undefined> {
    try {
      return (await stat(join(this.#directory, this.#name), { bigint: true })).ino;
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** Only a socket that surely has no listener is dead; whatever else goes wrong, its process may live. */
function isAlive(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(address);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", (error) => resolve(!["ECONNREFUSED", "ENOENT"].includes(systemCodeOf(error) ?? "")));
  });
}

function ignoreMissing(error: unknown): void {
  if (systemCodeOf(error) !== "ENOENT") throw error;
}

function inUse(directory: string, pid: string): JournalError {
  return new JournalError(
    "in_use",
    `the journal directory ${directory} is in use by process ${pid}. One process at a time has it: stop the other one, or use another directory`,
  );
}

function unusable(directory: string, reason: string): JournalError {
  return new JournalError(
    "permanent",
    `cannot keep the journal directory ${directory} to this process: ${reason}. Use a local file system on Linux, macOS or BSD, or another store`,
  );
}
