// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from "node:url";
import { ServerLog, ServerProcess } from "@tsoracle/test-services";
import type { PreparedStore, StressDriver, StressTerms } from "./drivers/stress-driver.ts";
import type { Processes } from "./inject-server.ts";
import type { ServerCommand } from "./messages.ts";

const PROGRAM = fileURLToPath(new URL("./server-process.js", import.meta.url));

const LOG_TAIL = 1_500;

/** What all servers of a run are started with. */
export interface FleetParts {
  readonly driver: StressDriver;
  readonly store: PreparedStore;
  readonly terms: StressTerms;
  readonly tenureCheck: boolean;
  /** `host:port` of each. */
  readonly addresses: readonly string[];
}

/** The server processes of a run: one address each over any number of processes. */
export class Fleet implements Processes, AsyncDisposable {
  readonly #parts: FleetParts;
  readonly #processes: (ServerProcess | undefined)[] = [];
  readonly #logs: readonly ServerLog[];
  /** Servers that we ended; whoever else ends has done so by itself. */
  readonly #expected = new Set<ServerProcess>();
  #fallen: string | undefined;

  private constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#logs = parts.addresses.map(() => new ServerLog());
  }

  /** Starts all servers. @throws ServerFailedToStart with what it printed. */
  static async start(parts: FleetParts): Promise<Fleet> {
    const fleet = new Fleet(parts);
    try {
      await Promise.all(parts.addresses.map((_, server) => fleet.start(server)));
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  get addresses(): readonly string[] {
    return this.#parts.addresses;
  }

  /** Why a server is gone that nobody ended; undefined while there is none. */
  get fallen(): string | undefined {
    return this.#fallen;
  }

  /** The process of a server. */
  process(server: number): ServerProcess {
    const found = this.#processes[server];
    if (found === undefined) throw new RangeError(`expected a server from 0 to ${this.addresses.length - 1}`);
    return found;
  }

  /** What a server printed last, over all of its processes. */
  logTail(server: number): string {
    return (this.#logs[server]?.toString() ?? "").slice(-LOG_TAIL).trim();
  }

  /** Says that the process of a server is about to be ended on purpose. */
  expectEnd(server: number): void {
    this.#expected.add(this.process(server));
  }

  /** Starts a server whose process has ended, or has not been there yet. */
  async start(server: number): Promise<void> {
    const address = this.addresses[server];
    const log = this.#logs[server];
    if (address === undefined || log === undefined) throw new RangeError(`there is no server ${server}`);
    const { driver, store, terms, tenureCheck } = this.#parts;
    const config = store.configOf(server);
    const command: ServerCommand = { driver: driver.name, config, address, tenureCheck, terms };
    const started = await ServerProcess.start({
      command: process.execPath,
      args: [PROGRAM, JSON.stringify(command)],
      log,
      ready: /^serving on /m,
    });
    this.#processes[server] = started;
    void started.ended.then(({ code, signal }) => {
      if (this.#expected.has(started)) return;
      this.#fallen ??= `server ${server} ended by itself (${signal ?? `exit ${code}`}): ${this.logTail(server)}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (each) => {
        if (each === undefined) return;
        this.#expected.add(each);
        await each.kill();
      }),
    );
  }
}
