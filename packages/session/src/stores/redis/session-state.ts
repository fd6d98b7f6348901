// SPDX-License-Identifier: Apache-2.0
import { JournalError, type JournalState } from "@tsoracle/consensus";
import { unpackEntry, unpackSnapshot } from "./records.ts";
import type { SessionContent } from "./replica.ts";
import { firstSeqOf } from "./session-head.ts";

/**
 * The copy of a node as callers see it.
 *
 * @throws JournalError `permanent` when entries are missing or not what was written
 */
export function stateOf(id: string, label: string, { head, snapshot, entries }: SessionContent): JournalState {
  const { fence, nextSeq, snapshotSeq } = head;
  try {
    if ((snapshot === undefined) !== (snapshotSeq === undefined)) throw new TypeError("the snapshot is not there");
    const tail = Array.from({ length: nextSeq - 1 - (snapshotSeq ?? 0) }, (_, index) => {
      const seq = (snapshotSeq ?? 0) + 1 + index;
      const packed = entries.get(seq);
      if (packed === undefined) throw new TypeError(`entry ${seq} is missing`);
      return unpackEntry(seq, packed);
    });
    return {
      fence,
      nextSeq,
      snapshotSeq,
      snapshot: snapshot === undefined ? undefined : unpackSnapshot(snapshotSeq ?? 0, snapshot),
      entries: tail,
      firstSeq: firstSeqOf(head),
    };
  } catch (error) {
    throw new JournalError(
      "permanent",
      `the copy of session ${JSON.stringify(id)} is damaged: ${error instanceof Error ? error.message : String(error)}. Wipe ${label} and readmit it`,
      { cause: error },
    );
  }
}
