// SPDX-License-Identifier: Apache-2.0
// The text forms of the scenario files, byte for byte; also good to read in a failing simulation.
import { asV2, confChangesToString } from "./conf-change.ts";
import { decodeConfChange } from "./confchange/codec.ts";
import { quoteBytes } from "./describe-bytes.ts";
import type { Ready } from "./ready.ts";
import {
  type ConfState,
  type Entry,
  type HardState,
  isEmptyHardState,
  isEmptySnap,
  LocalAppendThread,
  LocalApplyThread,
  type Message,
  type NodeId,
  None,
  type ReadState,
  type Snapshot,
  type SoftState,
} from "./types.ts";

/** The data of an `EntryNormal` as text. */
export type EntryFormatter = (data: Uint8Array) => string;

export function describeHardState(state: HardState): string {
  const vote = state.vote === None ? "" : ` Vote:${state.vote}`;
  return `Term:${state.term}${vote} Commit:${state.commit}`;
}

export function describeSoftState(state: SoftState): string {
  return `Lead:${state.lead} State:${state.raftState}`;
}

export function describeConfState(state: ConfState): string {
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} ` +
    `Learners:${list(state.learners)} LearnersNext:${list(state.learnersNext)} AutoLeave:${state.autoLeave}`
  );
}

export function describeSnapshot(snapshot: Snapshot): string {
  const { index, term, confState } = snapshot.metadata;
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

/** `1/4 EntryNormal "foo"`, `1/5 EntryConfChangeV2 v2 l3`; whatever the data of a configuration change is. */
export function describeEntry(entry: Entry, format: EntryFormatter = quoteBytes): string {
  const data = entry.type === "EntryNormal" ? format(entry.data) : describeChange(entry);
  return `${entry.term}/${entry.index} ${entry.type}${data === "" ? "" : ` ${data}`}`;
}

function describeChange(entry: Entry): string {
  try {
    return confChangesToString(asV2(decodeConfChange(entry)).changes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** One line each. */
export function describeEntries(entries: readonly Entry[], format: EntryFormatter = quoteBytes): string {
  return entries.map((entry) => `${describeEntry(entry, format)}\n`).join("");
}

/** A node id in hexadecimal, or the name of a local thread. */
export function describeTarget(id: NodeId): string {
  if (id === None) return "None";
  if (id === LocalAppendThread) return "AppendThread";
  if (id === LocalApplyThread) return "ApplyThread";
  return id.toString(16);
}

/** One line, or several if it carries more than one entry, a snapshot or responses; no line break at the end. */
export function describeMessage(message: Message, format: EntryFormatter = quoteBytes): string {
  return describeIndented("", message, format);
}

function describeIndented(indent: string, m: Message, format: EntryFormatter): string {
  let text =
    `${indent}${describeTarget(m.from)}->${describeTarget(m.to)} ${m.type} ` +
    `Term:${m.term} Log:${m.logTerm}/${m.index}`;
  if (m.reject) text += ` Rejected (Hint: ${m.rejectHint})`;
  if (m.commit !== 0) text += ` Commit:${m.commit}`;
  if (m.vote !== None) text += ` Vote:${m.vote}`;
  if (m.entries.length === 1) {
    text += ` Entries:[${describeEntry(m.entries[0] as Entry, format)}]`;
  } else if (m.entries.length > 1) {
    const lines = m.entries.map((entry) => `\n${indent}  ${describeEntry(entry, format)}`);
    text += ` Entries:[${lines.join("")}\n${indent}]`;
  }
  if (m.snapshot !== undefined && !isEmptySnap(m.snapshot)) {
    text += `\n${indent}  Snapshot: ${describeSnapshot(m.snapshot)}`;
  }
  if (m.responses.length > 0) {
    const lines = m.responses.map((response) => `\n${describeIndented(`${indent}  `, response, format)}`);
    text += ` Responses:[${lines.join("")}\n${indent}]`;
  }
  return text;
}

/** `<empty Ready>`, or one part after the other, each ended by a line break. */
export function describeReady(ready: Ready, format: EntryFormatter = quoteBytes): string {
  let text = "";
  if (ready.softState !== undefined) text += `${describeSoftState(ready.softState)}\n`;
  if (!isEmptyHardState(ready.hardState)) text += `HardState ${describeHardState(ready.hardState)}\n`;
  if (ready.readStates.length > 0) text += `ReadStates [${ready.readStates.map(describeReadState).join(" ")}]\n`;
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries, format)}`;
  if (!isEmptySnap(ready.snapshot)) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries, format)}`;
  }
  if (ready.messages.length > 0) {
    text += `Messages:\n${ready.messages.map((message) => `${describeMessage(message, format)}\n`).join("")}`;
  }
  return text === "" ? "<empty Ready>" : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

function describeReadState(state: ReadState): string {
  return `{${state.index} ${list([...state.requestCtx])}}`;
}

function list(numbers: readonly number[]): string {
  return `[${numbers.join(" ")}]`;
}
