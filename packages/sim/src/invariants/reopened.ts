// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "@tsoracle/driver-raft/raft";
import type { RaftStorage } from "@tsoracle/driver-raft/storage";
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";

/** Invariant 8, across a restart: everything that was called durable is there again (C4 to C7, P9). Then the shadow follows the disk. */
export function nothingDurableIsLost(shadow: Shadow, storage: RaftStorage): void {
  const { nodeId } = shadow;
  const { hardState } = storage.initialState();
  hold(
    hardState.term >= shadow.term,
    "8",
    () => `node ${nodeId} is back with term ${hardState.term}, had ${shadow.term}`,
  );
  hold(
    hardState.term > shadow.term || shadow.vote === 0 || hardState.vote === shadow.vote,
    "8",
    () =>
      `node ${nodeId} is back with a vote for ${hardState.vote} in term ${shadow.term}, had voted for ${shadow.vote}`,
  );
  const last = storage.lastIndex();
  const first = storage.firstIndex();
  const pendingFrom = pendingStart(shadow);
  for (let index = Math.max(first, shadow.base + 1); index <= shadow.lastIndex && index < pendingFrom; index++) {
    const expected = shadow.entryAt(index) as Entry;
    const term = index <= last ? storage.term(index) : 0;
    hold(term === expected.term, "8", () => `node ${nodeId} is back without entry ${index} of term ${expected.term}`);
  }
  const entries = last >= first ? storage.entries(first, last + 1, Number.POSITIVE_INFINITY) : [];
  const baseTerm = storage.term(first - 1);
  hold(
    !("code" in entries) && typeof baseTerm === "number",
    "8",
    () => `node ${nodeId} is back with an unreadable log`,
  );
  shadow.term = hardState.term;
  shadow.vote = hardState.vote;
  shadow.agreed = Math.min(shadow.agreed, pendingFrom - 1);
  shadow.base = first - 1;
  shadow.baseTerm = baseTerm;
  shadow.entries = [...entries];
  shadow.agreed = Math.max(first - 1, Math.min(shadow.agreed, last));
  shadow.pending = undefined;
}

/** From which index on the batch that was under way may have replaced the log. */
function pendingStart({ pending }: Shadow): number {
  if (pending === undefined) return Number.POSITIVE_INFINITY;
  if (pending.snapshot !== undefined && pending.snapshot.metadata.index > 0) return 0;
  return pending.entries?.[0]?.index ?? Number.POSITIVE_INFINITY;
}
