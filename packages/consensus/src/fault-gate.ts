// SPDX-License-Identifier: Apache-2.0
import { untilAborted } from "./calls.ts";
import { ConsensusError, type ConsensusErrorCode } from "./consensus-error.ts";
import type { DriverMethod, FailNextOptions, FaultControls } from "./fault-controls.ts";
import type { CallOptions } from "./leader-state.ts";

const writes: ReadonlySet<DriverMethod> = new Set(["persistHighWater", "sequences.advance", "leases.replace"]);

interface Stall {
  readonly which: "all" | "writes";
  readonly over: Promise<"released" | "closed">;
  readonly end: (how: "released" | "closed") => void;
}

interface PlannedFailure {
  readonly code: ConsensusErrorCode;
  readonly method: DriverMethod | undefined;
  readonly message: string;
}

/** Where the calls of a faulty driver pass, and where they are struck. Owns the planned faults. */
export class FaultGate implements FaultControls {
  readonly calls: Record<DriverMethod, number> = {
    loadHighWater: 0,
    persistHighWater: 0,
    "sequences.load": 0,
    "sequences.advance": 0,
    "leases.load": 0,
    "leases.replace": 0,
  };
  readonly #callTimeoutMs: number;
  readonly #stalls = new Set<Stall>();
  readonly #failures: PlannedFailure[] = [];
  #repliesToLose = 0;
  #closed = false;

  constructor(callTimeoutMs: number) {
    this.#callTimeoutMs = callTimeoutMs;
  }

  stall(which: "all" | "writes" = "all"): () => void {
    let end: Stall["end"] = () => {};
    const over = new Promise<"released" | "closed">((resolve) => {
      end = resolve;
    });
    const stall: Stall = { which, over, end };
    this.#stalls.add(stall);
    return () => {
      this.#stalls.delete(stall);
      stall.end("released");
    };
  }

  failNext(code: ConsensusErrorCode, options: FailNextOptions = {}): void {
    const message = options.message ?? "the call was refused by an injected fault";
    this.#failures.push({ code, method: options.method, message });
  }

  loseReply(): void {
    this.#repliesToLose += 1;
  }

  /** Ends every stall; what was held is never forwarded. */
  close(): void {
    this.#closed = true;
    for (const stall of this.#stalls) stall.end("closed");
    this.#stalls.clear();
  }

  async pass<T>(
    method: DriverMethod,
    options: CallOptions | undefined,
    forward: (options: CallOptions | undefined) => Promise<T>,
  ): Promise<T> {
    this.calls[method] += 1;
    if (this.#closed) return forward(options);
    options?.signal?.throwIfAborted();
    const failure = this.#failures.find((planned) => planned.method === undefined || planned.method === method);
    if (failure !== undefined) {
      this.#failures.splice(this.#failures.indexOf(failure), 1);
      throw new ConsensusError(failure.code, failure.message);
    }
    const stall = [...this.#stalls].find(({ which }) => which === "all" || writes.has(method));
    if (stall !== undefined) return this.#hold(stall, options, forward);
    if (!writes.has(method) || this.#repliesToLose === 0) return forward(options);
    this.#repliesToLose -= 1;
    await forward(undefined);
    throw new ConsensusError("uncertain", "the reply was lost by an injected fault; the write has landed");
  }

  /** The store has the call and sits on it: whatever the caller does now, a release carries it out. */
  async #hold<T>(
    stall: Stall,
    options: CallOptions | undefined,
    forward: (options: CallOptions | undefined) => Promise<T>,
  ): Promise<T> {
    const held = stall.over.then((how) => {
      if (how === "released") return forward(undefined);
      throw new ConsensusError("uncertain", "the driver was disposed while an injected stall held the call");
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new ConsensusError("uncertain", `no reply within ${this.#callTimeoutMs} ms: an injected stall`));
      }, this.#callTimeoutMs);
    });
    held.catch(() => {});
    try {
      return await untilAborted(Promise.race([held, timeout]), options?.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
