// SPDX-License-Identifier: Apache-2.0
import type { JournalFence, JournalHead } from "./fenced-journal.ts";
import { JournalError } from "./journal-error.ts";

/** A conditional write of a journal, as far as its conditions go. */
export type JournalWrite =
  | { readonly kind: "takeover"; readonly fence: JournalFence; readonly from?: bigint | undefined }
  | { readonly kind: "append"; readonly fence: JournalFence; readonly seq: number }
  | { readonly kind: "snapshot"; readonly fence: JournalFence; readonly seq: number; readonly ahead: boolean }
  | { readonly kind: "truncate"; readonly fence: JournalFence; readonly seq: number };

/**
 * Why a journal refuses a write; undefined if it accepts it. The rule that every store follows: one in this process
 * asks it, one whose store decides uses it to say why that one refused.
 */
export function journalRefusal(
  id: string,
  head: JournalHead | undefined,
  write: JournalWrite,
): JournalError | undefined {
  if (head === undefined) {
    return new JournalError("unknown_session", `there is no journal of session ${JSON.stringify(id)}; create it first`);
  }
  return fenceRefusal(id, head.fence, write) ?? numberRefusal(id, head, write);
}

function fenceRefusal(id: string, current: JournalFence, write: JournalWrite): JournalError | undefined {
  const { kind, fence } = write;
  const session = JSON.stringify(id);
  const holder = `owner ${JSON.stringify(current.owner)} holds epoch ${current.epoch}`;
  if (fence.epoch === current.epoch) {
    if (fence.owner === current.owner) return undefined;
    return new JournalError(
      "split_brain",
      `session ${session}: ${holder}, and ${JSON.stringify(fence.owner)} claims the same epoch; one of them used an epoch twice or forged it`,
      { current },
    );
  }
  if (fence.epoch < current.epoch) {
    return new JournalError("fenced", `session ${session}: ${holder}, so epoch ${fence.epoch} is over`, { current });
  }
  if (kind === "takeover") {
    if (write.from === undefined || write.from === current.epoch) return undefined;
    const wanted = `it was to be taken over from epoch ${write.from} and nobody else`;
    return new JournalError("fenced", `session ${session}: ${holder}, and ${wanted}`, { current });
  }
  return new JournalError(
    "fenced",
    `session ${session}: ${holder}; epoch ${fence.epoch} is greater, but it has not taken the session over`,
    { current },
  );
}

function numberRefusal(id: string, head: JournalHead, write: JournalWrite): JournalError | undefined {
  const { nextSeq, snapshotSeq } = head;
  const conflict = (what: string): JournalError =>
    new JournalError("conflict", `session ${JSON.stringify(id)}: ${what}`, { nextSeq });
  switch (write.kind) {
    case "takeover":
      return undefined;
    case "append":
      return write.seq === nextSeq ? undefined : conflict(`the next entry is ${nextSeq}, got ${write.seq}`);
    case "snapshot":
      if (snapshotSeq !== undefined && write.seq < snapshotSeq) {
        return conflict(`there is a snapshot of entry ${snapshotSeq} already, got one of ${write.seq}`);
      }
      if (write.seq < nextSeq || write.ahead) return undefined;
      return conflict(`the last entry is ${nextSeq - 1}, got a snapshot of ${write.seq}`);
    case "truncate":
      if (snapshotSeq !== undefined && write.seq <= snapshotSeq) return undefined;
      return conflict(
        snapshotSeq === undefined
          ? `there is no snapshot that covers entry ${write.seq}`
          : `the snapshot covers entries up to ${snapshotSeq}, and ${write.seq} entries were to go`,
      );
    default:
      return write satisfies never;
  }
}

/** The head after a write that was not refused. */
export function journalHeadAfter(head: JournalHead, write: JournalWrite): JournalHead {
  switch (write.kind) {
    case "takeover":
      return { ...head, fence: write.fence };
    case "append":
      return { ...head, nextSeq: write.seq + 1 };
    case "snapshot":
      return { ...head, nextSeq: Math.max(head.nextSeq, write.seq + 1), snapshotSeq: write.seq };
    case "truncate":
      return head;
    default:
      return write satisfies never;
  }
}
