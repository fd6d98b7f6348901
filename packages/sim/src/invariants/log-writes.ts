// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "@tsoracle/driver-raft/raft";
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";

/**
 * Invariant 4: a leader only appends to its own log.
 *
 * @param term the term that the node is in with this write; in a later one it may well be sent what it made itself as
 * leader, lost before it was synced, and overwrite what nobody else has
 * @param leaderOfTerm who leads that term
 */
export function leaderOnlyAppends(shadow: Shadow, first: Entry, term: number, leaderOfTerm: number | undefined): void {
  hold(
    leaderOfTerm !== shadow.nodeId || first.index > shadow.lastIndex,
    "4",
    () => `node ${shadow.nodeId} leads term ${term} and overwrites its entry ${first.index} of ${shadow.lastIndex}`,
  );
}

/** Invariant 10: nothing is cut off at or below the commit index (P8). */
export function nothingCommittedIsCutOff(shadow: Shadow, first: Entry, commit: number): void {
  hold(
    first.index > commit,
    "10",
    () => `node ${shadow.nodeId} overwrites its log from ${first.index} on; it is committed up to ${commit}`,
  );
}

/** Invariant 11: terms never fall along the log, and there are no gaps. */
export function logHasNoGapsAndRisingTerms(
  shadow: Shadow,
  entries: readonly Entry[],
  baseTerm: number | undefined,
): void {
  let previous = baseTerm;
  let index = entries[0]?.index ?? 0;
  hold(previous !== undefined, "11", () => `node ${shadow.nodeId} writes entry ${index} behind nothing`);
  for (const entry of entries) {
    const before = previous;
    const expected = index;
    hold(entry.index === expected, "11", () => `node ${shadow.nodeId} writes entry ${entry.index}, not ${expected}`);
    hold(
      before === undefined || entry.term >= before,
      "11",
      () => `node ${shadow.nodeId} writes entry ${entry.index} of term ${entry.term} behind term ${before}`,
    );
    previous = entry.term;
    index += 1;
  }
}
