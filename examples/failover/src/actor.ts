// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OwnedDirectory, type ProcessEnd, ServerLog, ServerProcess, waitUntil } from "@tsoracle/test-services";

/** Longer than any step of a story takes, on a machine that is busy with other things. */
const PATIENCE_MS = 60_000;

/**
 * A process of a story, which notes in a diary what it does, line by line. The diary is a file: what was noted before a
 * kill is in it. The process ends with this one, however that ends.
 */
export class Actor implements AsyncDisposable {
  readonly name: string;
  readonly #process: ServerProcess;
  readonly #diary: string;
  readonly #directory: OwnedDirectory;

  private constructor(name: string, process: ServerProcess, diary: string, directory: OwnedDirectory) {
    this.name = name;
    this.#process = process;
    this.#diary = diary;
    this.#directory = directory;
  }

  /**
   * Starts a program with one argument, the settings as JSON with `name` and `diary` among them. It prints `ready` when
   * it has begun.
   */
  static async start(program: URL, name: string, settings: object): Promise<Actor> {
    const directory = new OwnedDirectory();
    const diary = join(directory.path, "diary");
    writeFileSync(diary, "");
    const argument = JSON.stringify({ ...settings, name, diary });
    const process = await ServerProcess.start({
      command: globalThis.process.execPath,
      args: ["--import", "tsx", fileURLToPath(program), argument],
      cwd: fileURLToPath(new URL("..", program)),
      log: new ServerLog(),
      ready: /^ready$/m,
    });
    return new Actor(name, process, diary, directory);
  }

  /** What it noted so far. */
  get lines(): readonly string[] {
    return readFileSync(this.#diary, "utf8").split("\n").slice(0, -1);
  }

  /** Waits until it has noted so many lines that begin so, and returns the newest of them. */
  async notes(beginning: string, count = 1): Promise<string> {
    return await waitUntil(
      `${this.name} to note ${JSON.stringify(beginning)}`,
      () => {
        const found = this.lines.filter((line) => line.startsWith(beginning));
        if (found.length >= count) return found.at(-1);
        if (this.#process.isRunning) return undefined;
        throw new Error(`${this.name} ended and had noted ${JSON.stringify(this.lines.slice(-3))}`);
      },
      { timeoutMs: PATIENCE_MS },
    );
  }

  /** SIGKILL. */
  async kill(): Promise<ProcessEnd> {
    await this.#process.kill();
    return await this.#process.ended;
  }

  /** SIGSTOP; resolves when the process stands still. */
  pause(): Promise<void> {
    return this.#process.pause();
  }

  /** SIGCONT. */
  resume(): Promise<void> {
    return this.#process.resume();
  }

  /** Resolves when the process has ended by itself. */
  get ended(): Promise<ProcessEnd> {
    return this.#process.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await this.#directory[Symbol.asyncDispose]();
  }
}
