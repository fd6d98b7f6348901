// SPDX-License-Identifier: Apache-2.0
import type { After } from "./timers.ts";

/** Resolves after a while, or as soon as the signal is aborted. Never rejects. */
export function sleep(after: After, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = after(delayMs, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
