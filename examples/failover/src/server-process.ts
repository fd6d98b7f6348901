// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const PROGRAM = createRequire(import.meta.url).resolve("tsoracle/bin/tsoracle.mjs");

/** Runs one command of `tsoracle` to its end and returns what it printed. */
export async function tsoracle(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], { timeout: 20_000 });
  return stdout.trim();
}

/** One server in a process of its own. It ends with this process, however that ends. */
export class OracleServer {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
  }

  /** Starts `tsoracle serve ...` on this address and waits until it listens. */
  static async start(address: string, serve: readonly string[]): Promise<OracleServer> {
    // A server that is alone has nobody to be pointed to by.
    const advertise = serve[0] === "file" ? [] : ["--advertise", address];
    const flags = ["--listen", address, ...advertise, "--log", "error", "--exit-with-stdin"];
    const child = spawn(process.execPath, [PROGRAM, "serve", ...serve, ...flags], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the server on ${address} ended with ${code} before it served`);
    });
    ended.catch(() => {});
    await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended]);
    return new OracleServer(address, child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the process has ended by itself, to its exit code. */
  get ended(): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode);
    return once(this.#child, "exit").then(([code]) => code as number | null);
  }

  /** @returns the exit code, or null when it died of the signal */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }
}
