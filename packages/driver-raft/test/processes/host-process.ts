// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ConsensusError } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { RaftDriverOptions } from "../../src/index.ts";
import type { FromHost, Method, ToHost, WireError } from "./messages.ts";
import { QuestionPipes } from "./question-pipes.ts";

const program = fileURLToPath(new URL("./host.ts", import.meta.url));
/** Where the loader is installed. */
const workspace = fileURLToPath(new URL("../../../../", import.meta.url));

/** What a host says of a driver without being asked. */
export type Notice = Extract<FromHost, { readonly driver: number }>;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** This process's end of a host: what it asks, what it waits for, and the process itself. */
export class HostProcess {
  readonly #child: ChildProcess;
  readonly #pipes = new QuestionPipes();
  readonly #exited: Promise<unknown>;
  readonly #ready: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<number, (notice: Notice) => void>();
  #calls = 0;
  #drivers = 0;

  constructor() {
    const args = [
      "--import",
      "tsx",
      "--conditions=tsoracle-source",
      program,
      this.#pipes.questions,
      this.#pipes.answers,
    ];
    this.#child = spawn(process.execPath, args, {
      cwd: workspace,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#exited = once(this.#child, "exit").then(() => this.#end());
    this.#ready = new Promise((resolve, reject) => {
      this.#waiting.set(0, { resolve: () => resolve(), reject });
    });
    this.#child.on("message", (message: FromHost) => this.#hear(message));
  }

  /** Opens a driver there, and resolves to its number. What it says of itself goes to the listener, from the first state on. */
  async open(options: RaftDriverOptions, listen: (notice: Notice) => void): Promise<number> {
    await this.#ready;
    this.#drivers += 1;
    const driver = this.#drivers;
    this.#listeners.set(driver, listen);
    await this.#ask((call) => ({ kind: "open", call, driver, options }));
    return driver;
  }

  /** Rejects with the signal's reason once it is aborted; the driver is told so. */
  async call(driver: number, method: Method, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const aborted = signal?.aborted ?? false;
    let tellOfAbort = (): void => {};
    const asked = this.#ask((call) => {
      tellOfAbort = () => this.#send({ kind: "abort", call });
      return { kind: "call", call, driver, method, args, aborted };
    });
    signal?.addEventListener("abort", tellOfAbort, { once: true });
    try {
      return await asked;
    } catch (error) {
      // The reason itself cannot cross; the driver on the other side has rejected with that of its own signal.
      if (signal?.aborted && (error as Error).name === "AbortError") throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener("abort", tellOfAbort);
    }
  }

  /** Whether a tenure of a driver there holds, said by its own process now. */
  tenureHolds(number: number): boolean {
    return this.#pipes.ask(number);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  #ask(make: (call: number) => ToHost): Promise<unknown> {
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#send(make(call));
    });
  }

  #send(message: ToHost): void {
    // A process that dies in between is noticed at its exit.
    if (this.#child.connected) this.#child.send(message, () => {});
    else this.#end();
  }

  #hear(message: FromHost): void {
    switch (message.kind) {
      case "ready":
        this.#settle(0)?.resolve(undefined);
        break;
      case "value":
        this.#settle(message.call)?.resolve(message.value);
        break;
      case "error":
        this.#settle(message.call)?.reject(errorFrom(message.error));
        break;
      case "state":
      case "ended":
        this.#listeners.get(message.driver)?.(message);
        break;
      default:
        message satisfies never;
    }
  }

  #settle(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    return waiting;
  }

  #end(): void {
    const gone = new ConsensusError("transient", "the node's process has ended; its calls may have been carried out");
    for (const call of [...this.#waiting.keys()]) this.#settle(call)?.reject(gone);
    const { name, message, code } = gone;
    for (const [driver, listen] of this.#listeners) {
      listen({ kind: "ended", driver, error: { name, message, code, isConsensus: true } });
    }
    this.#listeners.clear();
    this.#pipes.close();
  }
}

/** The error as it was thrown over there. */
export function errorFrom({ name, message, code, currentEpoch, isConsensus }: WireError): Error {
  if (isConsensus && code !== undefined) {
    // The class puts the code before its message; it is there already.
    const text = message.replace(`[${code}] `, "");
    return new ConsensusError(code, text, currentEpoch === undefined ? {} : { currentEpoch: currentEpoch as Epoch });
  }
  const make = { RangeError, TypeError }[name as "RangeError" | "TypeError"] ?? Error;
  return Object.assign(new make(message), { name });
}
