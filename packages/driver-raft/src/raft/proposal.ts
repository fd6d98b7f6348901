// SPDX-License-Identifier: Apache-2.0
// How entries get into a leader's log.

import { changedConfig } from "./change-config.ts";
import { asV2, type ConfChangeV2, confChangesToString } from "./conf-change.ts";
import { decodeConfChange } from "./confchange/codec.ts";
import { payloadsSize } from "./log/entry-size.ts";
import { hex } from "./logger.ts";
import { committedEntryInCurrentTerm } from "./own-term.ts";
import type { Raft } from "./raft.ts";
import { ErrProposalDropped, type StepError } from "./raft-errors.ts";
import { bcastAppend } from "./replication.ts";
import { describeConfig } from "./tracker/config.ts";
import { type Entry, emptyBytes, type Message, None, newEntry, newMessage } from "./types.ts";

/**
 * Appends under the leader's term, unless that would exceed the limit of uncommitted payload. An empty payload is
 * always taken, and any size is if nothing is uncommitted, so that no limit can stop the no-op or a leave of a joint
 * configuration. The leader acknowledges its own entries by a message to itself, which waits for the disk (P2, P6).
 */
export function appendEntries(r: Raft, proposed: readonly Entry[]): boolean {
  const size = payloadsSize(proposed);
  if (r.uncommittedSize > 0 && size > 0 && r.uncommittedSize + size > r.limits.maxUncommittedEntriesSize) {
    r.logger?.("WARN", `${hex(r.id)} drops a proposal that would exceed the uncommitted entry size limit`);
    return false;
  }
  r.uncommittedSize += size;
  const first = r.raftLog.lastIndex() + 1;
  const entries: Entry[] = [];
  for (let i = 0; i < proposed.length; i++) {
    const { type, data } = proposed[i] as Entry;
    entries.push({ term: r.term, index: first + i, type, data });
    if (type === "EntryNormal") r.emit("Replicate");
  }
  const last = r.raftLog.append(entries);
  r.send(newMessage("MsgAppResp", { to: r.id, index: last }));
  return true;
}

/** Entries that were applied do not count as uncommitted any more. The count may be too low, never too high. */
export function reduceUncommittedSize(r: Raft, size: number): void {
  r.uncommittedSize = Math.max(0, r.uncommittedSize - size);
}

/** A proposal at the leader. */
export function proposeAtLeader(r: Raft, m: Message): StepError | undefined {
  if (m.entries.length === 0) r.panic("stepped empty MsgProp");
  // A leader that is not in its own configuration any more may finish what it has, but takes nothing new (M4).
  if (!r.trk.progress.has(r.id)) return ErrProposalDropped;
  if (r.leadTransferee !== None) {
    r.logger?.(
      "DEBUG",
      `${hex(r.id)} [term ${r.term}] transfer leadership to ${hex(r.leadTransferee)} is in progress; dropping proposal`,
    );
    return ErrProposalDropped;
  }
  let entries = m.entries;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    if (entry.type === "EntryNormal") continue;
    const change = asV2(decodeConfChange(entry));
    const refused = refusal(r, change);
    if (refused !== undefined) {
      r.logger?.(
        "INFO",
        `${hex(r.id)} ignoring conf change {${confChangesToString(change.changes)}} ` +
          `at config ${describeConfig(r.trk.config)}: ${refused}`,
      );
      // An empty entry takes its place, so that indexes and answers of the whole proposal stay as they are.
      const replaced = [...entries];
      replaced[i] = newEntry();
      entries = replaced;
      continue;
    }
    r.pendingConfIndex = r.raftLog.lastIndex() + i + 1;
    if (r.trace !== undefined && change.changes.length > 0) {
      r.emit("ChangeConf", undefined, confChangesToString(change.changes));
    }
  }
  if (!appendEntries(r, entries)) return ErrProposalDropped;
  bcastAppend(r);
  return undefined;
}

/**
 * Why a configuration change may not enter the log: one that is not applied yet stands in the way (M2), it does not fit
 * the active configuration, or, where asked for, it would fail when applied (M5).
 */
function refusal(r: Raft, change: ConfChangeV2): string | undefined {
  if (!(r.config.disableConfChangeValidation ?? false)) {
    if (r.pendingConfIndex > r.raftLog.applied) {
      return `possible unapplied conf change at index ${r.pendingConfIndex} (applied to ${r.raftLog.applied})`;
    }
    const joint = r.trk.config.voters.outgoing.size > 0;
    const leaves = change.changes.length === 0;
    if (joint && !leaves) return "must transition out of joint config first";
    if (!joint && leaves) return "not in joint state; refusing empty conf change";
  }
  if (r.config.checkConfChanges === true) {
    // Upstream lets a change in before, if nothing unapplied was in the log at the election. That is safe where changes
    // take effect when applied, but the rule asks for more, and nothing is lost by waiting.
    if (!committedEntryInCurrentTerm(r)) return `no entry of term ${r.term} is committed yet`;
    const outcome = changedConfig(r, change);
    if (!outcome.ok) return outcome.reason;
  }
  return undefined;
}

/** Proposes to leave the joint configuration, as an entry without data, which no size limit refuses. */
export function proposeLeaveJoint(r: Raft): StepError | undefined {
  const entry = newEntry({ type: "EntryConfChangeV2", data: emptyBytes });
  return proposeAtLeader(r, newMessage("MsgProp", { from: r.id, entries: [entry] }));
}
