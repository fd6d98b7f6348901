// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { waitUntil } from "@tsoracle/test-services";
import type { Freshness } from "../src/index.ts";

const program = fileURLToPath(new URL("./oracle-process.ts", import.meta.url));
/** Where the loader is installed. */
const workspace = fileURLToPath(new URL("../../../", import.meta.url));

/** A server of the smallest kind, in a process that can be stopped and killed. */
export class OracleProcess implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exited: Promise<unknown>;

  constructor(url: string, oracle: string, mode: "checked" | "unchecked", freshness: Freshness) {
    const args = ["--import", "tsx", "--conditions=tsoracle-source", program, url, oracle, mode, freshness];
    this.#child = spawn(process.execPath, args, { cwd: workspace, stdio: ["pipe", "pipe", "inherit"] });
    this.#exited = once(this.#child, "close");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.lines.push(line));
  }

  /** Resolves to the first line from `from` on that begins so. */
  async line(beginning: string, from = 0): Promise<string> {
    return await waitUntil(`a line that begins with "${beginning}"`, () =>
      this.lines.slice(from).find((line) => line.startsWith(beginning)),
    );
  }

  /** Sends a request; the answer is the next line. */
  ask(): void {
    this.#child.stdin.write("get\n");
  }

  /** Asks and waits for the answer. */
  async get(): Promise<string> {
    const from = this.lines.length;
    this.ask();
    return await waitUntil("an answer", () => this.lines[from]);
  }

  /** SIGSTOP. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** SIGKILL; resolves when it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}
