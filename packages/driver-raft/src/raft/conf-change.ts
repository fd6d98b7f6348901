// SPDX-License-Identifier: Apache-2.0
import { type EntryType, emptyBytes, type NodeId } from "./types.ts";

export type ConfChangeType =
  | "ConfChangeAddNode"
  | "ConfChangeRemoveNode"
  | "ConfChangeUpdateNode"
  | "ConfChangeAddLearnerNode";

export type ConfChangeTransition =
  | "ConfChangeTransitionAuto"
  | "ConfChangeTransitionJointImplicit"
  | "ConfChangeTransitionJointExplicit";

/** One step of a configuration change. Node id 0 means "nothing": a change that was turned into a no-op. */
export interface ConfChangeSingle {
  type: ConfChangeType;
  nodeId: NodeId;
}

/** The first form of a configuration change: one step, no joint configuration. */
export interface ConfChange {
  id: number;
  type: ConfChangeType;
  nodeId: NodeId;
  context: Uint8Array;
}

/** Any number of steps at once. No steps and transition "auto" means: leave the joint configuration. */
export interface ConfChangeV2 {
  transition: ConfChangeTransition;
  changes: readonly ConfChangeSingle[];
  context: Uint8Array;
}

export function newConfChange(type: ConfChangeType, nodeId: NodeId, context: Uint8Array = emptyBytes): ConfChange {
  return { id: 0, type, nodeId, context };
}

export function newConfChangeV2(fields: Partial<ConfChangeV2> = {}): ConfChangeV2 {
  return {
    transition: fields.transition ?? "ConfChangeTransitionAuto",
    changes: fields.changes ?? [],
    context: fields.context ?? emptyBytes,
  };
}

export function isConfChangeV2(change: ConfChange | ConfChangeV2): change is ConfChangeV2 {
  return "changes" in change;
}

/** The change in the general form. */
export function asV2(change: ConfChange | ConfChangeV2): ConfChangeV2 {
  if (isConfChangeV2(change)) return change;
  return newConfChangeV2({
    changes: [{ type: change.type, nodeId: change.nodeId }],
    context: change.context,
  });
}

/**
 * Whether the change goes through a joint configuration, and if so whether the leader leaves it by itself. More than
 * one step always needs one: the majorities before and after need not overlap otherwise (`raft.md` M1).
 */
export function enterJoint(change: ConfChangeV2): { joint: boolean; autoLeave: boolean } {
  if (change.transition === "ConfChangeTransitionAuto" && change.changes.length <= 1) {
    return { joint: false, autoLeave: false };
  }
  switch (change.transition) {
    case "ConfChangeTransitionAuto":
    case "ConfChangeTransitionJointImplicit":
      return { joint: true, autoLeave: true };
    case "ConfChangeTransitionJointExplicit":
      return { joint: true, autoLeave: false };
    default:
      throw new TypeError(`unknown transition ${String(change.transition satisfies never)}`);
  }
}

/** Whether the change asks to leave the joint configuration; its context does not matter. */
export function leaveJoint(change: ConfChangeV2): boolean {
  return change.transition === "ConfChangeTransitionAuto" && change.changes.length === 0;
}

/** `v1 l2 r3 u4`: voter, learner, remove, update; "" for no steps. */
export function confChangesToString(changes: readonly ConfChangeSingle[]): string {
  return changes.map((change) => `${letterOf(change.type)}${change.nodeId}`).join(" ");
}

/**
 * The reverse of `confChangesToString`.
 *
 * @throws TypeError for anything else.
 */
export function confChangesFromString(text: string): ConfChangeSingle[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  return trimmed.split(/\s+/).map((token) => {
    const match = /^([vlru])(\d+)$/.exec(token);
    const nodeId = Number(match?.[2]);
    if (match === null || !Number.isSafeInteger(nodeId)) {
      throw new TypeError(`a step is v, l, r or u and a node id, as in "v1 l2 r3", got ${JSON.stringify(token)}`);
    }
    return { type: typeOf(match[1] as "v" | "l" | "r" | "u"), nodeId };
  });
}

function letterOf(type: ConfChangeType): string {
  switch (type) {
    case "ConfChangeAddNode":
      return "v";
    case "ConfChangeAddLearnerNode":
      return "l";
    case "ConfChangeRemoveNode":
      return "r";
    case "ConfChangeUpdateNode":
      return "u";
    default:
      throw new TypeError(`unknown type ${String(type satisfies never)}`);
  }
}

function typeOf(letter: "v" | "l" | "r" | "u"): ConfChangeType {
  switch (letter) {
    case "v":
      return "ConfChangeAddNode";
    case "l":
      return "ConfChangeAddLearnerNode";
    case "r":
      return "ConfChangeRemoveNode";
    case "u":
      return "ConfChangeUpdateNode";
    default:
      throw new TypeError(`unknown letter ${String(letter satisfies never)}`);
  }
}

/** An encoded change and the type of the entry that carries it. */
export interface MarshalledConfChange {
  readonly type: EntryType;
  readonly data: Uint8Array;
}
