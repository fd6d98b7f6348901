// SPDX-License-Identifier: Apache-2.0
import { type Call, isOk, lastOf } from "./call.ts";
import { CallLog } from "./call-log.ts";
import { HistoryError } from "./history-error.ts";

/** Sets of calls are bit masks in one number. */
export const MAX_LINEARIZABLE_CALLS = 30;

export type LinearizableResult =
  | {
      readonly linearizable: true;
      /** Calls in an order that explains the history. A call without an answer is in it only if it took effect. */
      readonly order: readonly Call[];
    }
  | {
      readonly linearizable: false;
      /** States that the search visited, all of them dead ends. */
      readonly visited: number;
    };

/** The oracle as an object: the last timestamp that it issued and the highest epoch that it served. */
interface OracleState {
  readonly last: bigint;
  readonly epoch: bigint;
}

/**
 * What the oracle becomes by answering this call, or undefined if it could not have answered so. It may skip
 * as many timestamps as it likes. Who got no answer may have been issued any timestamps; the smallest one
 * restricts the others least, so no other choice needs to be tried.
 */
function answer(state: OracleState, call: Call): OracleState | undefined {
  const { outcome } = call;
  switch (outcome.kind) {
    case "ok":
      if (outcome.first <= state.last || outcome.epoch < state.epoch) return undefined;
      return { last: lastOf(outcome), epoch: outcome.epoch };
    case "unknown":
      return { last: state.last + 1n, epoch: state.epoch };
    case "failed":
      return undefined;
    default:
      return outcome satisfies never;
  }
}

/**
 * Whether one oracle, answering one call at a time, each at an instant between its begin and its end, in the
 * program order of each client, can have produced the history: exhaustive search in the manner of Wing and
 * Gong. A call without an answer may take effect at any time after its begin, even long after its client gave
 * up, or never. A call that failed has no effect.
 *
 * For this object the answer is yes exactly when there are no duplicates and no violation of client, epoch
 * or real-time order; the search knows nothing of that, which is why it can judge the fast checks. It does not
 * look at `brokenAt` nor at millisecond borders.
 *
 * Exponential in the number of calls without an answer; at most {@link MAX_LINEARIZABLE_CALLS} calls.
 *
 * @throws HistoryError `history_too_large`, or if the history was recorded wrongly.
 */
export function linearize(history: Iterable<Call>): LinearizableResult {
  const all = [...history];
  CallLog.from(all);
  const calls = all.filter((call) => call.outcome.kind !== "failed");
  if (calls.length > MAX_LINEARIZABLE_CALLS) {
    throw new HistoryError(
      "history_too_large",
      `expected at most ${MAX_LINEARIZABLE_CALLS} calls that may have taken effect, got ${calls.length}; ` +
        "use checkHistory for longer histories",
    );
  }
  const search: Search = {
    calls,
    predecessors: calls.map((_, index) => predecessorsOf(index, calls)),
    visited: new Set(),
  };
  const required = maskOf(calls, isOk);
  const order = explain(search, required, 0, { last: -1n, epoch: 0n });
  return order === undefined ? { linearizable: false, visited: search.visited.size } : { linearizable: true, order };
}

interface Search {
  readonly calls: readonly Call[];
  /** For each call, the mask of those that must take effect before it. */
  readonly predecessors: readonly number[];
  /** Set of calls done and state reached, where the search has been before. */
  readonly visited: Set<string>;
}

function maskOf(calls: readonly Call[], wanted: (call: Call, index: number) => boolean): number {
  return calls.reduce((mask, call, index) => (wanted(call, index) ? mask | (1 << index) : mask), 0);
}

/** Only an answer in hand proves that a call took effect by then; a call without one never has to come first. */
function predecessorsOf(index: number, calls: readonly Call[]): number {
  const call = calls[index] as Call;
  return maskOf(calls, (other, at) => {
    if (!isOk(other)) return false;
    return other.end < call.begin || (other.client === call.client && at < index);
  });
}

function explain(search: Search, required: number, done: number, state: OracleState): Call[] | undefined {
  if ((done & required) === required) return [];
  const key = `${done} ${state.last} ${state.epoch}`;
  if (search.visited.has(key)) return undefined;
  search.visited.add(key);
  for (const [index, call] of search.calls.entries()) {
    const bit = 1 << index;
    const before = search.predecessors[index] as number;
    if ((done & bit) !== 0 || (done & before) !== before) continue;
    const next = answer(state, call);
    const rest = next && explain(search, required, done | bit, next);
    if (rest) return [call, ...rest];
  }
  return undefined;
}
