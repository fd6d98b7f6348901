// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** The program as users run it, over the built packages. */
export const PROGRAM: string = fileURLToPath(new URL("../bin/tsoracle.mjs", import.meta.url));

const LIMIT_MS = 120_000;

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that runs the program under other conditions; the program and its arguments follow it. */
  readonly under?: readonly string[];
}

function launch(args: readonly string[], options: CliOptions): ChildProcessWithoutNullStreams {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("TSORACLE_"));
  const env = { ...Object.fromEntries(inherited), ...options.env };
  const [command = process.execPath, ...rest] = [...(options.under ?? []), process.execPath, PROGRAM, ...args];
  return spawn(command, rest, { env, cwd: options.cwd });
}

/** A process that the test started; it is killed when the test ends, if it still runs. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;
  stdout = "";
  stderr = "";
  #changed: () => void = () => {};

  constructor(args: readonly string[], options: CliOptions = {}) {
    const child = launch(args, options);
    this.child = child;
    const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#collect("stdout", text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#collect("stderr", text));
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        clearTimeout(limit);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#changed();
      });
    });
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the process was not started");
    return this.child.pid;
  }

  kill(signal: NodeJS.Signals): Promise<CliResult> {
    this.child.kill(signal);
    return this.ended;
  }

  /** Resolves when standard output matches; rejects when the process ends first. */
  untilStdout(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until("stdout", pattern);
  }

  /** The same for standard error. */
  untilStderr(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until("stderr", pattern);
  }

  async #until(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      const { exitCode, signalCode } = this.child;
      if (exitCode !== null || signalCode !== null) {
        const result = await this.ended;
        const late = pattern.exec(result[stream]);
        if (late !== null) return late;
        throw new Error(`the process ended with ${signalCode ?? exitCode} before ${pattern}: ${result.stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  #collect(stream: "stdout" | "stderr", text: string): void {
    this[stream] += text;
    this.#changed();
  }
}

/** Runs a command to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const process = new CliProcess(args, options);
  process.child.stdin?.end();
  return process.ended;
}

export interface RunningServer {
  readonly process: CliProcess;
  /** HOST:PORT that it printed. */
  readonly address: string;
}

/** Starts `tsoracle serve` and waits for the line that names its address. */
export async function startServer(args: readonly string[], options: CliOptions = {}): Promise<RunningServer> {
  const process = new CliProcess(["serve", ...args], options);
  const [, address = ""] = await process.untilStdout(/^serving on (\S+)\n/);
  return { process, address };
}

/** A directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tsoracle-cli-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** The lines of a text, without the empty one after the last line break. */
export function lines(text: string): string[] {
  return text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined);
}
