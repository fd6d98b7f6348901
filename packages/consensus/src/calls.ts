// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "./consensus-error.ts";
import type { CallOptions } from "./leader-state.ts";

/**
 * The calls of one driver or journal that are under way: admits them while it is open, lets callers
 * leave early, and tells disposal when the last has settled.
 */
export class Calls {
  readonly #closedError: () => Error;
  readonly #pending = new Set<Promise<unknown>>();
  #closed = false;

  /** @param closed - How a call after disposal is refused; a driver's name for the usual `ConsensusError`. */
  constructor(closed: string | (() => Error)) {
    this.#closedError =
      typeof closed === "function"
        ? closed
        : () => new ConsensusError("closed", `this ${closed} driver was disposed; open another`);
  }

  /**
   * Starts `work`, unless the driver is closed or the signal aborted already. An abort later ends the
   * caller's wait and not the work.
   *
   * @throws `closed`, or the reason of the signal, or whatever the work throws.
   */
  async run<T>(options: CallOptions | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#closedError();
    options?.signal?.throwIfAborted();
    const pending = work();
    this.#pending.add(pending);
    const settled = (): void => void this.#pending.delete(pending);
    pending.then(settled, settled);
    return await untilAborted(pending, options?.signal);
  }

  /** Refuses new calls and resolves when those under way have settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending);
  }
}

/** Waits for `pending`, but rejects with the signal's reason as soon as it is aborted. */
export function untilAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return pending;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    pending.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}
