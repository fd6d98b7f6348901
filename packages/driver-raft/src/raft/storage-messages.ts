// SPDX-License-Identifier: Apache-2.0
// What a Ready asks of the storage, as messages, and what the node hears back when it is done.
import type { Raft } from "./raft.ts";
import type { Ready } from "./ready.ts";
import {
  type Entry,
  isEmptyHardState,
  isEmptySnap,
  LocalAppendThread,
  LocalApplyThread,
  type Message,
  newMessage,
} from "./types.ts";

/** Whether something is to be made durable, or an answer waits for what is on its way to be. */
export function needsStorageAppend(r: Raft, ready: Ready): boolean {
  return (
    ready.entries.length > 0 ||
    !isEmptyHardState(ready.hardState) ||
    !isEmptySnap(ready.snapshot) ||
    r.msgsAfterAppend.length > 0
  );
}

/** Whether the node wants to hear when that is done. */
export function needsStorageAppendResp(r: Raft, ready: Ready): boolean {
  return r.raftLog.hasNextOrInProgressUnstableEnts() || !isEmptySnap(ready.snapshot);
}

/** The batch, with all answers that depend on it or on an earlier one. */
export function storageAppend(r: Raft, ready: Ready): Message {
  const { hardState, entries, snapshot } = ready;
  // Handed over: the node goes on with a queue of its own.
  const responses = r.msgsAfterAppend;
  // After the leader's own acknowledgement, which reads the entries' terms from memory while they are still there.
  if (needsStorageAppendResp(r, ready)) responses.push(storageAppendResp(r, ready));
  return newMessage("MsgStorageAppend", {
    to: LocalAppendThread,
    from: r.id,
    entries,
    // All 0 if the hard state did not change.
    term: hardState.term,
    vote: hardState.vote,
    commit: hardState.commit,
    snapshot: isEmptySnap(snapshot) ? undefined : snapshot,
    responses,
  });
}

/**
 * Says that everything up to the last entry is durable, as of this term. It is made also when the batch holds no entry,
 * since the response to the batch that held them may come in a later term and then must not be believed: in between,
 * entries may have been replaced and put back, and a write that replaces them again may still be on its way. Each new
 * term writes a hard state, so there is always one more batch whose response is believed.
 */
export function storageAppendResp(r: Raft, ready: Ready): Message {
  const unstable = r.raftLog.hasNextOrInProgressUnstableEnts();
  const last = unstable ? r.raftLog.lastEntryId() : undefined;
  return newMessage("MsgStorageAppendResp", {
    to: r.id,
    from: LocalAppendThread,
    term: r.term,
    index: last?.index ?? 0,
    logTerm: last?.term ?? 0,
    snapshot: isEmptySnap(ready.snapshot) ? undefined : ready.snapshot,
  });
}

/** Entries to apply. Committed entries have no term of their own any more, so neither message has one. */
export function storageApply(r: Raft, entries: readonly Entry[]): Message {
  return newMessage("MsgStorageApply", {
    to: LocalApplyThread,
    from: r.id,
    entries,
    responses: [storageApplyResp(r, entries)],
  });
}

export function storageApplyResp(r: Raft, entries: readonly Entry[]): Message {
  return newMessage("MsgStorageApplyResp", { to: r.id, from: LocalApplyThread, entries });
}
