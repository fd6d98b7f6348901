// SPDX-License-Identifier: Apache-2.0
import type { Attempt } from "./verdict.ts";

/** How `work` ended, or that it did not within the limit. A failed assertion is told apart from any other error. */
export async function attemptWithin(limitMs: number, work: Promise<unknown>, seed: number): Promise<Attempt> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Attempt>((resolve) => {
    timer = setTimeout(() => resolve({ how: "timed-out", afterMs: limitMs, seed }), limitMs);
  });
  const ended = work.then(
    (): Attempt => ({ how: "passed" }),
    (error: unknown): Attempt => ({ how: isAssertion(error) ? "broken" : "crashed", error, seed }),
  );
  try {
    return await Promise.race([ended, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** By its code, so that assertions of any copy of `node:assert` count. */
function isAssertion(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "ERR_ASSERTION";
}
