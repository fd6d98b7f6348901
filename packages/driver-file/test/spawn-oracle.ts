// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./oracle-process.ts", import.meta.url));
/** Where the loader is installed. */
const workspace = fileURLToPath(new URL("../../../", import.meta.url));

export type OracleMode = "hold" | "with-child" | "persist" | "fill-disk" | "die-at";

/** A process that has a state directory open. */
export class OracleProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #exited: Promise<unknown>;
  /** Every line so far. */
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(mode: OracleMode, stateDir: string, argument = "") {
    const args = ["--import", "tsx", "--conditions=tsoracle-source", program, mode, stateDir, argument];
    this.#child = spawn(process.execPath, args, { cwd: workspace, stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#exited = once(this.#child, "close").then(() => this.#wake());
    this.#lines.on("line", (line) => {
      this.lines.push(line);
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves to the first line that begins so; rejects if the process ends without it. */
  async line(beginning: string): Promise<string> {
    await this.#until(() => this.lines.some((line) => line.startsWith(beginning)), `a line "${beginning}..."`);
    return this.lines.find((line) => line.startsWith(beginning)) ?? "";
  }

  /** Resolves when there are that many lines. */
  async count(lines: number): Promise<void> {
    await this.#until(() => this.lines.length >= lines, `${lines} lines`);
  }

  /** SIGKILL; resolves when the process is gone and everything it wrote was read. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #until(met: () => boolean, what: string): Promise<void> {
    while (!met()) {
      const { exitCode, signalCode } = this.#child;
      if (exitCode !== null || signalCode !== null) {
        await this.#exited;
        if (met()) return;
        throw new Error(`the process ended before ${what}; it said: ${this.lines.join(" | ")}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
