// SPDX-License-Identifier: Apache-2.0

/** Calls back once after a while, at most once, and never after the returned function was called. */
export type After = (delayMs: number, action: () => void) => () => void;

/** The timers of Node. They only schedule; what time it is, clocks say. */
export const after: After = (delayMs, action) => {
  const timer = setTimeout(action, Math.max(0, Math.ceil(delayMs)));
  return () => clearTimeout(timer);
};
