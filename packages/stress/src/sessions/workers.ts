// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OwnedDirectory, ServerLog, ServerProcess } from "@tsoracle/test-services";
import type { Processes } from "../inject-server.ts";
import type { WorkerCommand } from "./messages.ts";
import type { PreparedSessionStore, SessionStressStore } from "./stores/session-store.ts";

const PROGRAM = fileURLToPath(new URL("./worker-process.js", import.meta.url));

const LOG_TAIL = 1_500;

/** Longer than any call of a store and the hand-over of all sessions take together. */
const FINISH_LIMIT_MS = 60_000;

/** What all workers of a run are started with. */
export interface WorkersParts {
  readonly store: SessionStressStore;
  readonly prepared: PreparedSessionStore;
  readonly sessions: number;
  /** `host:port` of the oracle. */
  readonly oracle: string;
  readonly clockBase: bigint;
  readonly fenceCheck: boolean;
  readonly seed: number;
}

/** The record of one start of a worker. */
export interface RecordFile {
  readonly worker: number;
  readonly caller: string;
  readonly path: string;
}

/** The worker processes of a run: one index each over any number of processes. */
export class Workers implements Processes, AsyncDisposable {
  readonly #parts: WorkersParts;
  readonly #directory = new OwnedDirectory();
  readonly #processes: (ServerProcess | undefined)[] = [];
  readonly #logs: readonly ServerLog[];
  readonly #records: RecordFile[] = [];
  /** Workers that we ended; whoever else ends has done so by itself. */
  readonly #expected = new Set<ServerProcess>();
  #fallen: string | undefined;

  private constructor(parts: WorkersParts) {
    this.#parts = parts;
    this.#logs = Array.from({ length: parts.store.workers }, () => new ServerLog());
    for (const name of ["presence", "records"]) mkdirSync(join(this.#directory.path, name));
  }

  /** Starts all workers. @throws ServerFailedToStart with what it printed. */
  static async start(parts: WorkersParts): Promise<Workers> {
    const workers = new Workers(parts);
    try {
      await Promise.all(workers.#logs.map((_, worker) => workers.start(worker)));
    } catch (error) {
      await workers[Symbol.asyncDispose]();
      throw error;
    }
    return workers;
  }

  get count(): number {
    return this.#logs.length;
  }

  /** Of every start so far. */
  get records(): readonly RecordFile[] {
    return this.#records;
  }

  /** The start of a worker that is there now: `1.2`. */
  callerOf(worker: number): string {
    return this.#records.findLast((record) => record.worker === worker)?.caller ?? "";
  }

  /** Why a worker is gone that nobody ended; undefined while there is none. */
  get fallen(): string | undefined {
    return this.#fallen;
  }

  process(worker: number): ServerProcess {
    const found = this.#processes[worker];
    if (found === undefined) throw new RangeError(`expected a worker from 0 to ${this.count - 1}`);
    return found;
  }

  expectEnd(worker: number): void {
    this.#expected.add(this.process(worker));
  }

  /** Starts a worker whose process has ended, or has not been there yet. */
  async start(worker: number): Promise<void> {
    const log = this.#logs[worker];
    if (log === undefined) throw new RangeError(`there is no worker ${worker}`);
    const started = await ServerProcess.start({
      command: process.execPath,
      args: [PROGRAM, JSON.stringify(this.#commandOf(worker))],
      log,
      ready: /^working as /m,
    });
    this.#processes[worker] = started;
    void started.ended.then(({ code, signal }) => {
      if (this.#expected.has(started)) return;
      const said = log.toString().slice(-LOG_TAIL).trim();
      this.#fallen ??= `worker ${worker} ended by itself (${signal ?? `exit ${code}`}): ${said}`;
    });
  }

  /** Lets every worker finish its calls and let its sessions go. @throws Error when one does not end in good order. */
  async finish(): Promise<void> {
    const ends = this.#processes.map(async (each, worker) => {
      if (each === undefined) return;
      this.#expected.add(each);
      await each.terminate("SIGTERM", FINISH_LIMIT_MS);
      const { code, signal } = await each.ended;
      if (code === 0) return;
      throw new Error(`worker ${worker} ended with ${signal ?? `exit ${code}`}: ${this.#logs[worker]?.toString()}`);
    });
    await Promise.all(ends);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (each) => {
        if (each === undefined) return;
        this.#expected.add(each);
        await each.kill();
      }),
    );
    await this.#directory[Symbol.asyncDispose]();
  }

  #commandOf(worker: number): WorkerCommand {
    const { store, prepared, sessions, oracle, clockBase, fenceCheck, seed } = this.#parts;
    const incarnation = this.#records.filter((record) => record.worker === worker).length;
    const caller = `${worker}.${incarnation}`;
    const path = join(this.#directory.path, "records", `${caller}.jsonl`);
    this.#records.push({ worker, caller, path });
    return {
      store: store.name,
      config: prepared.configOf(worker),
      worker,
      workers: store.workers,
      incarnation,
      sessions,
      oracle,
      clockBase: clockBase.toString(),
      presence: join(this.#directory.path, "presence"),
      record: path,
      fenceCheck,
      seed,
    };
  }
}
