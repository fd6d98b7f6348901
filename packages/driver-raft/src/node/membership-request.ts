// SPDX-License-Identifier: Apache-2.0
import type { MembershipRefusal } from "@tsoracle/consensus";
import type { Status } from "../raft/status.ts";
import type { ConfState, NodeId } from "../raft/types.ts";
import type { HeardMembers } from "./heard-members.ts";
import type { Machine } from "./machine/machine.ts";
import { checkMember, type MemberRecord } from "./machine/member.ts";
import type { Refusal } from "./replica-host.ts";

/** One step of membership, as an operator asks for it (M1). */
export type MembershipRequest =
  | {
      readonly type: "ConfChangeAddLearnerNode";
      readonly id: NodeId;
      /** With the storage id of the disk that was formatted for it (I2). */
      readonly member: MemberRecord & { readonly storageId: string };
    }
  | { readonly type: "ConfChangeAddNode"; readonly id: NodeId; readonly member?: undefined }
  | {
      readonly type: "ConfChangeRemoveNode";
      readonly id: NodeId;
      readonly member?: undefined;
      /** Also if those that are left and heard from are no majority. */
      readonly force?: boolean | undefined;
    };

type Heard = Pick<HeardMembers, "isHeard" | "settled">;

/** Entries that a learner may lack when it is promoted; more would leave a quorum waiting for it. */
const CAUGHT_UP_ENTRIES = 100;

/**
 * Whether a change may be proposed: undefined if so, "done" if it stands already, since every operation is
 * idempotent by id. `heard` says who was heard from lately, this node apart.
 */
export function checkChange(
  request: MembershipRequest,
  { machine, confState }: { readonly machine: Machine; readonly confState: ConfState },
  status: Pick<Status, "progress" | "id" | "hardState">,
  heard: Heard,
): Refusal | "done" | undefined {
  switch (request.type) {
    case "ConfChangeAddLearnerNode":
      return checkAdd(request.member, machine);
    case "ConfChangeAddNode":
      return checkPromote(request.id, machine, confState, status);
    case "ConfChangeRemoveNode":
      return checkRemove(request, machine, confState, status.id, heard);
    default:
      return request satisfies never;
  }
}

function checkAdd(member: MemberRecord, machine: Machine): Refusal | "done" | undefined {
  try {
    checkMember(member);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
  if (machine.wasRemoved(member.id)) {
    return refused(
      `member id ${member.id} was removed once and cannot come back; format the node under a new id`,
      "conflict",
    );
  }
  const present = machine.member(member.id);
  if (present === undefined) {
    const taken = [...machine.members()].find(({ peerEndpoint }) => peerEndpoint === member.peerEndpoint);
    return taken === undefined
      ? undefined
      : refused(`peer address ${member.peerEndpoint} belongs to member ${taken.id}`, "conflict");
  }
  const same = present.storageId === member.storageId && present.peerEndpoint === member.peerEndpoint;
  return same ? "done" : refused(`member ${member.id} is there already, with another address or storage`, "conflict");
}

function checkPromote(
  id: NodeId,
  machine: Machine,
  state: ConfState,
  { progress, hardState }: Pick<Status, "progress" | "hardState">,
): Refusal | "done" | undefined {
  if (machine.member(id) === undefined)
    return refused(`there is no member ${id}; add it as a learner first`, "not_member");
  if (state.voters.includes(id)) return "done";
  const match = progress.get(id)?.match ?? 0;
  if (hardState.commit - match <= CAUGHT_UP_ENTRIES && match > 0) return undefined;
  return refused(
    `learner ${id} has entries up to ${match} of ${hardState.commit}; promote it when it has caught up, or see why it does not`,
    "not_caught_up",
  );
}

function checkRemove(
  { id, force = false }: Extract<MembershipRequest, { type: "ConfChangeRemoveNode" }>,
  machine: Machine,
  state: ConfState,
  self: NodeId,
  heard: Heard,
): Refusal | "done" | undefined {
  if (machine.member(id) === undefined) {
    return machine.wasRemoved(id) ? "done" : refused(`there is no member ${id}`, "not_member");
  }
  const voters = state.voters.filter((voter) => voter !== id);
  if (voters.length === 0) return refused("the last voter cannot be removed (M5)", "would_lose_quorum");
  const silent = voters.filter((voter) => voter !== self && !heard.isHeard(voter));
  if (state.voters.includes(id) && !force && 2 * silent.length >= voters.length) {
    const left = `without member ${id} the voters would be ${voters.join(", ")}, and ${silent.join(", ")} is not heard from`;
    if (heard.settled) {
      const advice = "bring it back, remove it first, or force the removal and be without service until it is back";
      return refused(`${left}: the rest is no majority; ${advice}`, "would_lose_quorum");
    }
    // The one that follows this leader judges it again.
    if (id !== self) return { code: "transient", message: `${left} yet; ask again` };
  }
  if (id === self)
    return refused("the leader cannot remove itself; transfer leadership first, then ask the new leader", "leads");
  return undefined;
}

/**
 * Whether leadership may be handed to `to`. A handover ends the reign for good, so nothing is begun with a voter that is
 * not heard from: nobody would lead until the next election. "later" where a new leader cannot know yet who lives.
 */
export function checkTransfer(
  to: NodeId,
  { id: self, reign }: { readonly id: NodeId; readonly reign: number | undefined },
  voters: readonly NodeId[],
  heard: Heard,
): Refusal | "later" | undefined {
  if (reign === undefined) return { code: "not_leader", message: `node ${self} does not lead; nothing was changed` };
  if (to === self) return refused(`member ${to} leads already; nothing was changed`, "leads");
  if (!voters.includes(to)) return refused(`${to} is no voter; nothing was changed`, "not_member");
  if (heard.isHeard(to)) return undefined;
  if (!heard.settled) return "later";
  const message = `member ${to} was not heard from within the election timeout; nothing was changed, node ${self} leads on`;
  return { code: "transient", message };
}

/** What an entry of a change turns into that came while another one was under way (M2). */
export const changeInTheWay: Refusal = {
  code: "transient",
  message: "another change of the members is under way; nothing was changed, ask again",
};

function refused(message: string, refusal?: MembershipRefusal): Refusal {
  return { code: "refused", message, refusal };
}
