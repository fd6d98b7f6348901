// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";

/** How long and how a caller waits. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** After this long the call rejects although the write goes on, in milliseconds. */
  readonly timeoutMs: number;
}

/** One caller that waits for a write. */
export interface PendingCall<Ask, Answer> {
  readonly ask: Ask;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Entry<Ask, Answer> extends PendingCall<Ask, Answer> {
  taken: boolean;
}

/**
 * Callers of one record file, from their call until it is settled. The writer takes them in order.
 *
 * A caller that gives up before the writer took it has had no effect. One that gives up later stops
 * waiting; the write goes on without it.
 */
export class PendingCalls<Ask, Answer> {
  readonly #unsettled = new Set<Entry<Ask, Answer>>();

  /** Settles as the writer says, or with the signal's reason, or after the timeout. */
  submit(ask: Ask, options: WaitOptions): Promise<Answer> {
    const { signal, timeoutMs } = options;
    return new Promise<Answer>((resolve, reject) => {
      const settle = (report: () => void): void => {
        if (!this.#unsettled.delete(entry)) return;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        report();
      };
      const entry: Entry<Ask, Answer> = {
        ask,
        taken: false,
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      };
      const onAbort = (): void => entry.reject(signal?.reason);
      const timer = setTimeout(() => entry.reject(tooSlow(entry.taken, timeoutMs)), timeoutMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#unsettled.add(entry);
    });
  }

  /** All callers that still wait and were not taken yet, oldest first. */
  take(): readonly PendingCall<Ask, Answer>[] {
    const calls = [...this.#unsettled].filter((entry) => !entry.taken);
    for (const entry of calls) entry.taken = true;
    return calls;
  }

  /** Rejects everybody, taken or not. */
  rejectAll(error: unknown): void {
    for (const entry of [...this.#unsettled]) entry.reject(error);
  }
}

function tooSlow(taken: boolean, timeoutMs: number): ConsensusError {
  return taken
    ? new ConsensusError("uncertain", `the disk did not finish the write within ${timeoutMs} ms; it may still land`)
    : new ConsensusError("transient", `the disk did not begin the write within ${timeoutMs} ms; nothing was written`);
}
