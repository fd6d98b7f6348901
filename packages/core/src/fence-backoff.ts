// SPDX-License-Identifier: Apache-2.0

/** First pause after a transient failure, in milliseconds; it doubles from there. */
export const FENCE_BACKOFF_BASE_MS = 25;
/** Longest pause, in milliseconds. There is no limit on the number of retries. */
export const FENCE_BACKOFF_CAP_MS = 250;
/** Retries before the first warning, and between later ones. */
export const FENCE_WARN_AFTER = 8;
export const FENCE_WARN_EVERY = 20;

/** Delay before retry number `retries` (from 1): 25, 50, 100, 200, 250, 250, ... ms. */
export function fenceBackoffMs(retries: number): number {
  return Math.min(FENCE_BACKOFF_BASE_MS * 2 ** Math.min(retries - 1, 10), FENCE_BACKOFF_CAP_MS);
}

/** Whether this retry is worth a warning: the 8th, then every 20th after it. */
export function isFenceRetryWarning(retries: number): boolean {
  return retries >= FENCE_WARN_AFTER && (retries - FENCE_WARN_AFTER) % FENCE_WARN_EVERY === 0;
}
