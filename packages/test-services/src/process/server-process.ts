// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { waitUntil } from "../wait-until.ts";
import { type Account, spawnIdentity } from "./account.ts";
import { atProcessExit } from "./at-exit.ts";
import { type Lifeline, onLifeline, PauseGuard, preferredLifeline, release } from "./lifeline.ts";
import { descendantsOf, isAlive, isStopped } from "./process-table.ts";
import type { ServerLog } from "./server-log.ts";

export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly log: ServerLog;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: Account | undefined;
  readonly cwd?: string;
  /** Printed by the server once it accepts clients; without one, a process that was spawned counts as ready. */
  readonly ready?: RegExp;
  /** Milliseconds to become ready. Default 60,000. */
  readonly readyTimeoutMs?: number;
  readonly lifeline?: Lifeline | undefined;
}

/** How a process ended: a code, or the signal that ended it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server ended before it was ready. `output` is what this start printed, the reason among it. */
export class ServerFailedToStart extends Error {
  readonly output: string;

  constructor(command: string, how: string, output: string) {
    super(`${command} ${how}. It printed:\n${output.slice(-4_000)}`);
    this.name = "ServerFailedToStart";
    this.output = output;
  }
}

/** One run of a server: from its start to its end, with the signals that tests send it. */
export class ServerProcess {
  readonly pid: number;
  /** Settles when the process has ended, for whatever reason; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  #guard: PauseGuard | undefined;
  #paused: readonly number[] = [];
  #isRunning = true;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    const forget = atProcessExit(() => this.#signalAll("SIGKILL"));
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#isRunning = false;
        release(child);
        forget();
        // Its children may be stopped still; then the guard stays until kill or resume has dealt with them.
        if (this.#orphans().length === 0) this.#endPause();
        resolve({ code, signal });
      });
    });
  }

  /**
   * Spawns and waits until the server is ready.
   *
   * @throws ServerFailedToStart when it ends before, or is not ready in time and is killed for it
   */
  static async start(spec: ProcessSpec): Promise<ServerProcess> {
    const lifeline = spec.lifeline ?? preferredLifeline();
    const { command, args } = onLifeline(lifeline, spec.command, spec.args);
    const child = spawn(command, [...args], {
      env: { ...process.env, ...spec.env },
      stdio: [lifeline === "supervisor" ? "pipe" : "ignore", "pipe", "pipe"],
      detached: true, // An interrupt from the terminal is for the test, which stops its servers itself.
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      ...spawnIdentity(spec.account),
    });
    const spawned = new Promise<never>((_, reject) => child.once("error", reject));
    if (child.pid === undefined) return await spawned;
    spawned.catch(() => {});
    const server = new ServerProcess(child, child.pid);
    let output = "";
    const isReady = new Promise<void>((resolve) => {
      const read = (chunk: Buffer): void => {
        const text = chunk.toString();
        spec.log.append(text);
        if (output.length < 1_000_000) output += text;
        if (spec.ready?.test(output) === true) resolve();
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      if (spec.ready === undefined) resolve();
    });
    const failed = (how: string): ServerFailedToStart => new ServerFailedToStart(spec.command, how, output);
    const timeoutMs = spec.readyTimeoutMs ?? 60_000;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, `was not ready within ${timeoutMs} ms`);
    });
    // The output closes after the end, so that the reason is complete when it is reported.
    const closed = new Promise<string>((resolve) => {
      child.once("close", (code, signal) => resolve(`ended with ${code ?? signal}`));
    });
    const how = await Promise.race([isReady.then(() => undefined), closed, tooLate]);
    clearTimeout(timer);
    if (how === undefined) return server;
    await server.kill();
    throw failed(how);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isPaused(): boolean {
    return this.#paused.length > 0;
  }

  /** This process and everything below it. */
  pids(): number[] {
    return this.#isRunning ? [this.pid, ...descendantsOf(this.pid)] : [];
  }

  /**
   * SIGKILL to the process and to everything below it, as a crash of the machine would; resolves when all are gone. If
   * the process died while it was paused, its children are still there, and end now.
   */
  async kill(): Promise<void> {
    const pids = this.#isRunning ? this.pids() : this.#orphans();
    for (const pid of pids) send(pid, "SIGKILL");
    await this.ended;
    this.#endPause();
    await waitUntil(`the processes ${pids.join(", ")} to be gone`, () => pids.every((pid) => !isAlive(pid)));
  }

  /** Asks the process to end and waits; kills it when it takes longer than `timeoutMs`. */
  async terminate(signal: NodeJS.Signals, timeoutMs = 10_000): Promise<void> {
    if (!this.#isRunning) return await this.kill();
    await this.resume();
    this.#child.kill(signal);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, timeoutMs, "late");
    });
    const outcome = await Promise.race([this.ended, patience]);
    clearTimeout(timer);
    if (outcome === "late") await this.kill();
  }

  /**
   * SIGSTOP to the process first, so that it has no more children, and then to everything below it; resolves
   * when the kernel shows all of them stopped.
   */
  async pause(): Promise<void> {
    if (!this.#isRunning) throw new Error("the server is not running, so it cannot be paused");
    if (this.isPaused) return;
    const stopped: number[] = [];
    for (
      let next = [this.pid];
      next.length > 0;
      next = descendantsOf(this.pid).filter((pid) => !stopped.includes(pid))
    ) {
      stopped.push(...next);
      // The guard comes first: this process may be killed at any instant, and nobody else would find who is stopped.
      const wider = new PauseGuard(stopped);
      this.#guard?.release();
      this.#guard = wider;
      this.#paused = [...stopped];
      for (const pid of next) send(pid, "SIGSTOP");
      await waitUntil(`the processes ${next.join(", ")} to stop`, () =>
        next.every((pid) => isStopped(pid) || !isAlive(pid)),
      );
    }
  }

  /** SIGCONT to everything that {@link pause} stopped; resolves when the kernel shows all of them going. */
  async resume(): Promise<void> {
    const pids = this.#isRunning ? this.#paused : this.#orphans();
    // The children first: a parent that wakes before them could take their silence for something else.
    for (const pid of [...pids].reverse()) send(pid, "SIGCONT");
    await waitUntil(`the processes ${pids.join(", ")} to go on`, () => pids.every((pid) => !isStopped(pid)));
    this.#endPause();
  }

  #signalAll(signal: NodeJS.Signals): void {
    for (const pid of this.pids()) send(pid, signal);
  }

  /** What was paused with a process that is over. A pid that is not stopped is somebody else's by now. */
  #orphans(): readonly number[] {
    return this.#paused.filter((pid) => pid !== this.pid && isStopped(pid));
  }

  #endPause(): void {
    this.#paused = [];
    this.#guard?.release();
    this.#guard = undefined;
  }
}

/** A process that is gone by now needs no signal. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
