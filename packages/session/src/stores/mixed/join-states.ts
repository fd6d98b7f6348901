// SPDX-License-Identifier: Apache-2.0
import { JournalError, type JournalSnapshot, type JournalState } from "@tsoracle/consensus";

/** Says in the journal's store that the snapshot of this number is in the snapshot store. */
export const MARKER: Uint8Array = new Uint8Array(0);

/** What stands before a snapshot that is kept in the marker's place; a marker is empty, and so is no such snapshot. */
const HERE = 1;

/** A snapshot in the place of a marker. */
export function embedded(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([HERE, ...bytes]);
}

/**
 * One state out of what the two stores hold; the journal's was read first. Undefined if the snapshot is of an entry that
 * the journal did not have then: it has moved on, so look again.
 *
 * @throws JournalError `permanent` when the snapshot that a marker speaks of is gone
 */
export function joinStates(
  id: string,
  entries: JournalState,
  snapshots: JournalState | undefined,
): JournalState | undefined {
  const marked = entries.snapshot;
  const kept = snapshots?.snapshot;
  const here = marked === undefined || marked.bytes.length === 0 ? undefined : unpacked(id, marked);
  if (marked !== undefined && here === undefined && (kept === undefined || kept.seq < marked.seq)) {
    throw new JournalError(
      "permanent",
      `session ${JSON.stringify(id)} has no snapshot of entry ${marked.seq}, which its journal speaks of: the snapshot store was set back. Restore both stores from the same moment`,
    );
  }
  // Of two with one number the snapshot store's was put later: what goes ahead is newer than everything before it.
  const snapshot = here !== undefined && (kept === undefined || kept.seq < here.seq) ? here : kept;
  if (snapshot === undefined) return entries;
  if (snapshot.seq >= entries.nextSeq) return undefined;
  const tail = entries.entries.filter(({ seq }) => seq > snapshot.seq);
  return { ...entries, snapshotSeq: snapshot.seq, snapshot, entries: tail };
}

function unpacked(id: string, snapshot: JournalSnapshot): JournalSnapshot {
  if (snapshot.bytes[0] === HERE) return { ...snapshot, bytes: snapshot.bytes.subarray(1) };
  throw new JournalError(
    "permanent",
    `session ${JSON.stringify(id)} has a snapshot in its journal that was not written for mixed stores; open it without them`,
  );
}
