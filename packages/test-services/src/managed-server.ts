// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import { freePorts, PORT_TAKEN } from "./free-port.ts";
import type { Lifeline } from "./process/lifeline.ts";
import { ServerLog } from "./process/server-log.ts";
import { type ProcessSpec, ServerFailedToStart, ServerProcess } from "./process/server-process.ts";
import type { Server } from "./server.ts";

/** What may differ from one start of a server to the next. */
export interface LaunchOptions {
  /** How the server dies with this process. Default: the surest that the machine has. */
  readonly lifeline?: Lifeline;
}

const RESTART_PATIENCE_MS = 2_000;
const RESTART_RETRY_MS = 50;
const START_ATTEMPTS = 5;

/**
 * A server that this process started: one port and one data directory over any number of runs. Calls are made
 * one after the other by the test that owns it; they do not queue.
 */
export abstract class ManagedServer implements Server {
  abstract readonly url: string;
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly via: string;
  readonly isOwned = true;
  protected readonly output: ServerLog = new ServerLog();
  #process: ServerProcess | undefined;

  protected constructor(port: number, via: string) {
    this.port = port;
    this.via = via;
  }

  /** How to start it now. The log must be {@link output}. */
  protected abstract spec(): ProcessSpec;
  /** Asks the server to end in an orderly way. */
  protected abstract readonly shutdownSignal: NodeJS.Signals;
  /** What a failed start prints when the cause passes by itself. */
  protected readonly passing: RegExp = PORT_TAKEN;
  /** Frees what is outside the process, and deletes the data. The process is gone by then. */
  protected abstract discard(): Promise<void>;

  get isRunning(): boolean {
    return this.#process?.isRunning ?? false;
  }

  pids(): number[] {
    return this.#process?.pids() ?? [];
  }

  log(): string {
    return this.output.toString();
  }

  /** Starts the server, which must not run. */
  async start(): Promise<void> {
    this.#process = await ServerProcess.start(this.spec());
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async shutdown(): Promise<void> {
    await this.#process?.terminate(this.shutdownSignal);
  }

  async pause(): Promise<void> {
    if (this.#process === undefined) throw new Error("the server was never started, so it cannot be paused");
    await this.#process.pause();
  }

  async resume(): Promise<void> {
    await this.#process?.resume();
  }

  /**
   * A process of the killed run may hold a resource a moment longer than it lives, so a start that fails for
   * such a reason is tried again, for two seconds.
   */
  async restart(): Promise<void> {
    await this.kill();
    const start = performance.now();
    for (;;) {
      try {
        return await this.start();
      } catch (error) {
        const isPassing = error instanceof ServerFailedToStart && this.passing.test(error.output);
        if (!isPassing || performance.now() - start > RESTART_PATIENCE_MS) throw error;
        await pause(RESTART_RETRY_MS);
      }
    }
  }

  /** The data goes, so the end need not be orderly; some servers take seconds for an orderly one. */
  async stop(): Promise<void> {
    await this.kill();
    await this.discard();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/**
 * Makes a server on free ports and starts it. If somebody else took a port between the look and the bind, it
 * begins again with others.
 */
export async function startOnFreePorts<S extends ManagedServer>(
  portCount: number,
  make: (ports: readonly number[]) => Promise<S>,
): Promise<S> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await make(await freePorts(portCount));
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      const isTaken = error instanceof ServerFailedToStart && PORT_TAKEN.test(error.output);
      if (!isTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}
