// SPDX-License-Identifier: Apache-2.0
import { untilAborted } from "./calls.ts";
import type { FailNextOptions, FaultControls } from "./fault-controls.ts";
import type { CallOptions } from "./leader-state.ts";

interface Stall {
  readonly which: "all" | "writes";
  readonly over: Promise<"released" | "closed">;
  readonly end: (how: "released" | "closed") => void;
}

/**
 * Turns of the event loop between the end of a held call's time and its rejection. A process that was not scheduled for
 * so long finds everything due at once; who would have cancelled or released the call in time then still does.
 */
const TURNS_OF_GRACE = 20;

interface PlannedFailure<Method, Code> {
  readonly code: Code;
  readonly method: Method | undefined;
  readonly message: string;
}

/** What passes through a gate, and how it says no. */
export interface GateTerms<Method extends string, Code extends string> {
  /** Every method, and whether it writes. */
  readonly methods: Readonly<Record<Method, "read" | "write">>;
  readonly error: (code: Code | "uncertain", message: string) => Error;
}

/** Where the calls of a faulty driver or journal pass, and where they are struck. Owns the planned faults. */
export class FaultGate<Method extends string, Code extends string> implements FaultControls<Method, Code> {
  readonly calls: Record<Method, number>;
  readonly #terms: GateTerms<Method, Code>;
  readonly #callTimeoutMs: number;
  readonly #stalls = new Set<Stall>();
  readonly #failures: PlannedFailure<Method, Code>[] = [];
  #repliesToLose = 0;
  #closed = false;

  constructor(terms: GateTerms<Method, Code>, callTimeoutMs: number) {
    this.#terms = terms;
    this.#callTimeoutMs = callTimeoutMs;
    this.calls = Object.fromEntries(Object.keys(terms.methods).map((method) => [method, 0])) as Record<Method, number>;
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

  failNext(code: Code, options: FailNextOptions<Method> = {}): void {
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
    method: Method,
    options: CallOptions | undefined,
    forward: (options: CallOptions | undefined) => Promise<T>,
  ): Promise<T> {
    this.calls[method] += 1;
    if (this.#closed) return forward(options);
    options?.signal?.throwIfAborted();
    const failure = this.#failures.find((planned) => planned.method === undefined || planned.method === method);
    if (failure !== undefined) {
      this.#failures.splice(this.#failures.indexOf(failure), 1);
      throw this.#terms.error(failure.code, failure.message);
    }
    const writes = this.#terms.methods[method] === "write";
    const stall = [...this.#stalls].find(({ which }) => which === "all" || writes);
    if (stall !== undefined) return this.#hold(stall, options, forward);
    if (!writes || this.#repliesToLose === 0) return forward(options);
    this.#repliesToLose -= 1;
    await forward(undefined);
    throw this.#terms.error("uncertain", "the reply was lost by an injected fault; the write has landed");
  }

  /** The store has the call and sits on it: whatever the caller does now, a release carries it out. */
  async #hold<T>(
    stall: Stall,
    options: CallOptions | undefined,
    forward: (options: CallOptions | undefined) => Promise<T>,
  ): Promise<T> {
    const held = stall.over.then((how) => {
      if (how === "released") return forward(undefined);
      throw this.#terms.error("uncertain", "the driver was disposed while an injected stall held the call");
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      const giveUp = (): void =>
        reject(this.#terms.error("uncertain", `no reply within ${this.#callTimeoutMs} ms: an injected stall`));
      timer = setTimeout(() => afterTurns(TURNS_OF_GRACE, giveUp), this.#callTimeoutMs);
    });
    held.catch(() => {});
    try {
      return await untilAborted(Promise.race([held, timeout]), options?.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

function afterTurns(count: number, run: () => void): void {
  if (count === 0) run();
  else setImmediate(() => afterTurns(count - 1, run));
}
