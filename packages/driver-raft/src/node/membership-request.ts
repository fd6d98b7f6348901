// SPDX-License-Identifier: Apache-2.0
import type { MembershipRefusal } from "@tsoracle/consensus";
import type { Status } from "../raft/status.ts";
import type { ConfState, NodeId } from "../raft/types.ts";
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
  | { readonly type: "ConfChangeRemoveNode"; readonly id: NodeId; readonly member?: undefined };

/** Entries that a learner may lack when it is promoted; more would leave a quorum waiting for it. */
const CAUGHT_UP_ENTRIES = 100;

/**
 * Whether a change may be proposed: undefined if so, "done" if it stands already, since every operation is
 * idempotent by id.
 */
export function checkChange(
  request: MembershipRequest,
  machine: Machine,
  state: ConfState,
  status: Pick<Status, "progress" | "id" | "hardState">,
): Refusal | "done" | undefined {
  switch (request.type) {
    case "ConfChangeAddLearnerNode":
      return checkAdd(request.member, machine);
    case "ConfChangeAddNode":
      return checkPromote(request.id, machine, state, status);
    case "ConfChangeRemoveNode":
      return checkRemove(request.id, machine, state, status.id);
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

function checkRemove(id: NodeId, machine: Machine, state: ConfState, self: NodeId): Refusal | "done" | undefined {
  if (machine.member(id) === undefined) {
    return machine.wasRemoved(id) ? "done" : refused(`there is no member ${id}`, "not_member");
  }
  const voters = state.voters.filter((voter) => voter !== id);
  if (voters.length === 0) return refused("the last voter cannot be removed (M5)", "would_lose_quorum");
  if (id === self)
    return refused("the leader cannot remove itself; transfer leadership first, then ask the new leader", "leads");
  return undefined;
}

function refused(message: string, refusal?: MembershipRefusal): Refusal {
  return { code: "refused", message, refusal };
}
