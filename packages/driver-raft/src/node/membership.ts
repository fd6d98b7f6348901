// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  ConsensusError,
  type Member,
  type MembershipAdmin,
  type NewMember,
  type RemoveOptions,
} from "@tsoracle/consensus";
import type { MemberView } from "./applied-state.ts";
import type { CallMode } from "./pending-calls.ts";
import type { Request, ThreadStatus } from "./thread-protocol.ts";

type Ask = <T>(options: CallOptions | undefined, make: (id: number) => Request, mode: CallMode) => Promise<T>;

/** A member that is added, with the disk that was formatted for it: what `tsoracle raft format` has printed (I2). */
export interface NewRaftMember extends NewMember {
  readonly storageId: string;
}

/** Membership of the cluster. Changes are for the leader, one at a time, and idempotent by id (M1, M2). */
export class RaftMembership implements MembershipAdmin {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async members(options?: CallOptions): Promise<Member[]> {
    const members = await this.#ask<readonly MemberView[]>(options, (id) => ({ kind: "members", id }), "read");
    return members.map(({ id, role, peerEndpoint, clientEndpoint, adminEndpoint }) => {
      const member = { id: BigInt(id), role, peerEndpoint, clientEndpoint };
      return adminEndpoint === undefined ? member : { ...member, adminEndpoint };
    });
  }

  async leader(options?: CallOptions): Promise<bigint | undefined> {
    const { leader } = await this.#ask<ThreadStatus>(options, (id) => ({ kind: "status", id }), "read");
    return leader === 0 ? undefined : BigInt(leader);
  }

  /** @throws ConsensusError `permanent` when the member does not name its storage, or cannot be added. */
  async addLearner(member: NewMember, options?: CallOptions): Promise<void> {
    const { peerEndpoint, clientEndpoint, adminEndpoint, storageId } = member;
    if (storageId === undefined) {
      throw new ConsensusError(
        "permanent",
        "a Raft member is added with the storage id that formatting its directory has printed; nothing was changed",
      );
    }
    const nodeId = numberOf(member.id);
    await this.#change(options, {
      type: "ConfChangeAddLearnerNode",
      id: nodeId,
      member: { id: nodeId, peerEndpoint, clientEndpoint, adminEndpoint, storageId },
    });
  }

  async promote(id: bigint, options?: CallOptions): Promise<void> {
    await this.#change(options, { type: "ConfChangeAddNode", id: numberOf(id) });
  }

  /**
   * @throws ConsensusError `permanent`, `would_lose_quorum` when the voters that would be left and are heard from are no
   * majority of themselves, unless `force` is set.
   */
  async remove(id: bigint, options?: RemoveOptions): Promise<void> {
    await this.#change(options, { type: "ConfChangeRemoveNode", id: numberOf(id), force: options?.force });
  }

  /**
   * Resolves when this reign is over and `to` was asked to take over.
   *
   * @throws ConsensusError `not_leader` when this node does not lead, `permanent` when `to` is no voter beside it, and
   * `transient` when `to` was not heard from lately; the reign goes on then.
   */
  async transfer(to: bigint, options?: CallOptions): Promise<void> {
    const target = numberOf(to);
    await this.#ask<boolean>(options, (id) => ({ kind: "transfer", id, to: target }), "read");
  }

  async #change(
    options: CallOptions | undefined,
    request: Extract<Request, { kind: "change" }>["request"],
  ): Promise<void> {
    await this.#ask(options, (id) => ({ kind: "change", id, request }), "write");
  }
}

function numberOf(id: bigint): number {
  if (id < 1n || id > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ConsensusError("permanent", `expected a member id in 1..=2^53-1, got ${id}; nothing was changed`);
  }
  return Number(id);
}
