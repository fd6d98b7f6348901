// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ClientCommand, ClientReport } from "./messages.ts";
import type { RecordedCall } from "./recorded-call.ts";
import type { SharedClock } from "./shared-clock.ts";

const PROGRAM = fileURLToPath(new URL("./client-process.js", import.meta.url));

/** How much load there is; the same in every run. */
export const LOAD = { processes: 2, clients: 2, callersPerClient: 6, pinnedPerServer: 4 } as const;

/** A call waits at most as long as the client's own deadline. */
const STOP_LIMIT_MS = 20_000;

/** The processes that call. They end when the harness ends, because their IPC channel does. */
export class ClientFleet implements Disposable {
  readonly #children: readonly ChildProcess[];
  readonly #stopped: Promise<unknown>;

  /** @param onCall gets every call; calls of one caller in program order */
  constructor(endpoints: readonly string[], clock: SharedClock, onCall: (call: RecordedCall) => void) {
    this.#children = Array.from({ length: LOAD.processes }, () =>
      fork(PROGRAM, { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" }),
    );
    this.#stopped = Promise.all(this.#children.map((child) => untilStopped(child, onCall)));
    // It is awaited by stop(); until then its error must not be called unhandled.
    this.#stopped.catch(() => {});
    const { clients, callersPerClient, pinnedPerServer } = LOAD;
    for (const [index, child] of this.#children.entries()) {
      send(child, {
        type: "start",
        process: `process ${index}`,
        clockBase: clock.base,
        endpoints,
        clients,
        callersPerClient,
        pinnedPerServer,
      });
    }
  }

  /** Lets every caller finish its call; resolves when the last one is recorded. @throws Error when a process fails. */
  async stop(): Promise<void> {
    for (const child of this.#children) send(child, { type: "stop" });
    const late = new AbortController();
    const limit = once(AbortSignal.any([AbortSignal.timeout(STOP_LIMIT_MS), late.signal]), "abort").then(() => {
      throw new Error(`the callers did not end within ${STOP_LIMIT_MS} ms`);
    });
    limit.catch(() => {});
    try {
      await Promise.race([this.#stopped, limit]);
    } finally {
      late.abort();
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) if (child.connected) child.disconnect();
  }
}

function send(child: ChildProcess, command: ClientCommand): void {
  if (child.connected) child.send(command);
}

function untilStopped(child: ChildProcess, onCall: (call: RecordedCall) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`a process of clients ended with ${code ?? signal}`)));
    child.on("message", (report: ClientReport) => {
      if (report.type === "stopped") {
        resolve();
        return;
      }
      try {
        for (const call of report.calls) onCall(call);
      } catch (error) {
        reject(error);
      }
    });
  });
}
