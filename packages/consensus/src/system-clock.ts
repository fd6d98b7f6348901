// SPDX-License-Identifier: Apache-2.0
import type { Clock } from "@tsoracle/core";

/**
 * The wall clock. A reading before 1970 is 0 and a reading too large to be exact saturates, so that a
 * broken clock is seen downstream as what it is and never wraps.
 */
export const systemClock: Clock = Object.freeze({
  nowMs(): number {
    return Math.min(Math.max(Math.trunc(Date.now()), 0), Number.MAX_SAFE_INTEGER);
  },
});
