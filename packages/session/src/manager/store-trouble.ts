// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import type { Timers } from "@tsoracle/quorum";
import { SessionManagerError } from "./session-manager-error.ts";

/**
 * What a failed call of the store means to the owner of a session.
 *
 * - `refused`: nothing was written, and the session goes on
 * - `unknown`: it may have been written
 * - `conflict`: the journal is further than the owner thinks, perhaps by this very write
 * - `lost`: the session cannot go on here; `written` is false where it is certain that nothing was
 */
export type StoreTrouble =
  | { readonly kind: "refused"; readonly error: JournalError }
  | { readonly kind: "unknown"; readonly error: JournalError }
  | { readonly kind: "conflict"; readonly error: JournalError }
  | { readonly kind: "lost"; readonly reason: SessionManagerError; readonly written: false | undefined };

export function storeTrouble(id: string, thrown: unknown): StoreTrouble {
  const error = JournalError.from(thrown);
  const lost = (
    code: "fenced" | "split_brain" | "store_failed",
    what: string,
    written: false | undefined,
  ): StoreTrouble => {
    const message = `session ${JSON.stringify(id)} ${what}: ${error.message}`;
    const reason = new SessionManagerError(code, message, { cause: error, current: error.current });
    return { kind: "lost", reason, written };
  };
  switch (error.code) {
    case "oversize":
    case "invalid":
    case "transient":
      return { kind: "refused", error };
    case "uncertain": {
      // Of two steps the second was refused to a former owner: what the first wrote stays, and the session is elsewhere.
      const { cause } = error;
      if (!(cause instanceof JournalError) || (cause.code !== "fenced" && cause.code !== "split_brain")) {
        return { kind: "unknown", error };
      }
      const trouble = storeTrouble(id, cause);
      return trouble.kind === "lost" ? { ...trouble, written: undefined } : trouble;
    }
    case "conflict":
      return { kind: "conflict", error };
    case "fenced":
      return lost("fenced", "was taken over", false);
    case "split_brain":
      return lost("split_brain", "has another owner under the same epoch", false);
    case "unknown_session":
    case "in_use":
    case "closed":
      return lost("store_failed", "has lost its store", false);
    case "permanent":
      return lost("store_failed", "has lost its store", undefined);
    default:
      return error.code satisfies never;
  }
}

export interface RepeatTerms {
  readonly timers: Timers;
  readonly limits: { readonly settleAttempts: number; readonly settlePauseMs: number };
}

/**
 * Repeats a call that may be repeated, as long as its outcome is unknown. Once it was, a later `transient` does not end
 * the doubt: it says that the repetition was not carried out.
 *
 * @param always whether to repeat a `transient` without a doubt before it too
 * @throws JournalError as the call does; `uncertain` when the repetitions are used up.
 */
export async function untilKnown<T>(
  { timers, limits }: RepeatTerms,
  call: () => Promise<T>,
  always = false,
): Promise<T> {
  let doubt: JournalError | undefined;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (thrown) {
      const error = JournalError.from(thrown);
      if (error.code === "uncertain") doubt ??= error;
      else if (error.code !== "transient" || (doubt === undefined && !always)) throw error;
      if (attempt >= limits.settleAttempts) throw doubt ?? error;
    }
    await pause(timers, limits.settlePauseMs);
  }
}

/** Resolves after the time, or as soon as the signal aborts. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const stop = timers.after(ms, done);
    if (signal?.aborted === true) done();
    else signal?.addEventListener("abort", done, { once: true });
  });
}
