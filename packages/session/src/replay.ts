// SPDX-License-Identifier: Apache-2.0
import { checkInteger } from "./checked.ts";
import type { JournalEntry } from "./journal-entry.ts";
import type { SessionState } from "./state.ts";

/**
 * The state after one more entry. A remount empties the counter here as well: otherwise recovery from the
 * journal alone would bring back what was discarded. Source: `fencing-quorum-sessions.md` 4.4.
 *
 * @throws SessionError `number_out_of_range` when the counter would no longer be a safe integer.
 */
export function applyEntry(state: SessionState, entry: JournalEntry): SessionState {
  switch (entry.kind) {
    case "counter_delta":
      return { ...state, counter: checkCounter(state.counter + entry.delta) };
    case "crash_marked":
      return { ...state, lifecycle: "crashed" };
    case "restarted":
      return { ...state, lifecycle: "disconnected" };
    case "reconnected": {
      const counter = entry.policy === "remount" ? 0 : state.counter;
      return { counter, lifecycle: "live", route: entry.route };
    }
    default:
      return entry satisfies never;
  }
}

/**
 * The state after all entries, oldest first, on top of what was there before the first of them. The entries
 * do not tell the route of the start, hence the base. Source: `fencing-quorum-sessions.md` 4.4.
 *
 * @throws SessionError `number_out_of_range`.
 */
export function replay(base: SessionState, entries: readonly JournalEntry[]): SessionState {
  return stateOf(entries.reduce(applyEntry, base));
}

/** The state alone, of anything that has one. */
export function stateOf({ counter, lifecycle, route }: SessionState): SessionState {
  return Object.freeze({ counter, lifecycle, route });
}

export function sameState(left: SessionState, right: SessionState): boolean {
  return left.counter === right.counter && left.lifecycle === right.lifecycle && left.route === right.route;
}

export function checkCounter(counter: number): number {
  return checkInteger("the counter", counter, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}
