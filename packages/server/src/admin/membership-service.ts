// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type Member, type MembershipAdmin } from "@tsoracle/consensus";
import { type PeerEndpoint, parsePeerEndpoint } from "@tsoracle/core";
import {
  type AddLearnerRequest,
  AdminErrorKind,
  type ChangeResponse,
  type MemberEntry,
  MemberRole,
  type MembershipView,
  type RemoveNodeRequest,
} from "@tsoracle/proto";
import { messageOf } from "../finish.ts";
import type { Logger } from "../logger.ts";
import { Code, RpcError } from "../status.ts";

export interface MembershipParts {
  readonly membership: MembershipAdmin;
  /** Hands leadership over; the driver's, if it can. */
  readonly resign: ((reason: string) => Promise<void>) | undefined;
  readonly logger: Logger;
}

/**
 * `tsoracle.admin.v1.MembershipAdmin` (`tsoracle-behaviour.md` 4.4) over the contract of drivers. What the cluster
 * refuses is in the answer, with where to ask instead; what makes no sense is a status.
 */
export class MembershipService {
  readonly #membership: MembershipAdmin;
  readonly #resign: MembershipParts["resign"];
  readonly #logger: Logger;

  constructor({ membership, resign, logger }: MembershipParts) {
    this.#membership = membership;
    this.#resign = resign;
    this.#logger = logger;
  }

  /** @throws RpcError UNAVAILABLE while no majority answers */
  async listMembers(): Promise<MembershipView> {
    try {
      // One after the other: whoever has read the members anew has heard of the present leader.
      const members = await this.#membership.members();
      const leader = await this.#membership.leader();
      return { members: members.map(entryOf), hasLeader: leader !== undefined, leader: leader ?? 0n };
    } catch (error) {
      throw new RpcError(Code.UNAVAILABLE, `list members: ${messageOf(error)}`);
    }
  }

  addLearner(request: AddLearnerRequest): Promise<ChangeResponse> {
    const { id, raftAddr, serviceEndpoint, adminEndpoint, storageId } = request;
    const member = {
      id: idOf(id),
      peerEndpoint: endpointOf("raft_addr", raftAddr),
      clientEndpoint: endpointOf("service_endpoint", serviceEndpoint),
      ...(adminEndpoint === "" ? {} : { adminEndpoint: endpointOf("admin_endpoint", adminEndpoint) }),
      ...(storageId === "" ? {} : { storageId }),
    };
    return this.#change("add learner", id, () => this.#membership.addLearner(member));
  }

  promote({ id }: { readonly id: bigint }): Promise<ChangeResponse> {
    idOf(id);
    return this.#change("promote", id, () => this.#membership.promote(id));
  }

  /** A leader that is to be removed hands over first, so that whoever asked has only to ask its successor. */
  removeNode({ id, force }: RemoveNodeRequest): Promise<ChangeResponse> {
    idOf(id);
    return this.#change("remove", id, async () => {
      try {
        await this.#membership.remove(id, { force });
      } catch (error) {
        if (ConsensusError.from(error).refusal !== "leads" || this.#resign === undefined) throw error;
        await this.#resign(`member ${id} is to be removed`);
        throw new ConsensusError("not_leader", `member ${id} led and has handed leadership over`, { cause: error });
      }
    });
  }

  transfer({ id }: { readonly id: bigint }): Promise<ChangeResponse> {
    idOf(id);
    return this.#change("transfer", id, async () => {
      const members = await this.#membership.members();
      if ((await this.#membership.leader()) === id) return;
      const target = members.find((member) => member.id === id);
      if (target === undefined) throw refused(`there is no member ${id}`, "not_member");
      if (target.role !== "voter") throw refused(`member ${id} has no vote; promote it first`, "conflict");
      await this.#membership.transfer(id);
    });
  }

  async #change(what: string, id: bigint, run: () => Promise<void>): Promise<ChangeResponse> {
    try {
      await run();
    } catch (failure) {
      const error = ConsensusError.from(failure);
      const kind = kindOf(error);
      this.#logger.info({ change: what, member: String(id), error: error.message }, "a membership change was refused");
      const leader = kind === AdminErrorKind.ADMIN_ERROR_KIND_NOT_LEADER ? await this.#leaderEndpoint() : "";
      return { ok: false, error: kind, leaderAdminEndpoint: leader, message: error.message };
    }
    this.#logger.info({ change: what, member: String(id) }, "the members were changed");
    const error = AdminErrorKind.ADMIN_ERROR_KIND_UNSPECIFIED;
    return { ok: true, error, leaderAdminEndpoint: "", message: "" };
  }

  /** Where operators reach the leader; empty where that is not known now. */
  async #leaderEndpoint(): Promise<string> {
    try {
      const leader = await this.#membership.leader();
      if (leader === undefined) return "";
      return (await this.#membership.members()).find(({ id }) => id === leader)?.adminEndpoint ?? "";
    } catch {
      return "";
    }
  }
}

function refused(message: string, refusal: "not_member" | "conflict"): ConsensusError {
  return new ConsensusError("permanent", `${message}; nothing was changed`, { refusal });
}

function kindOf({ code, refusal }: ConsensusError): AdminErrorKind {
  switch (code) {
    case "not_leader":
    case "fenced":
      return AdminErrorKind.ADMIN_ERROR_KIND_NOT_LEADER;
    case "transient":
    case "uncertain":
      return AdminErrorKind.ADMIN_ERROR_KIND_TIMEOUT;
    default:
      break;
  }
  switch (refusal) {
    case "not_member":
      return AdminErrorKind.ADMIN_ERROR_KIND_NOT_MEMBER;
    case "not_caught_up":
      return AdminErrorKind.ADMIN_ERROR_KIND_NOT_CAUGHT_UP;
    case "would_lose_quorum":
      return AdminErrorKind.ADMIN_ERROR_KIND_WOULD_LOSE_QUORUM;
    case "leads":
    case "conflict":
    case undefined:
      return AdminErrorKind.ADMIN_ERROR_KIND_DRIVER;
    default:
      return refusal satisfies never;
  }
}

function entryOf({ id, role, peerEndpoint, clientEndpoint, adminEndpoint }: Member): MemberEntry {
  return {
    id,
    role: role === "voter" ? MemberRole.MEMBER_ROLE_VOTER : MemberRole.MEMBER_ROLE_LEARNER,
    raftAddr: peerEndpoint,
    serviceEndpoint: clientEndpoint,
    adminEndpoint: adminEndpoint ?? "",
  };
}

function idOf(id: bigint): bigint {
  if (id >= 1n) return id;
  throw new RpcError(Code.INVALID_ARGUMENT, `id: expected a member id of at least 1, got ${id}`);
}

function endpointOf(field: string, text: string): PeerEndpoint {
  const parsed = parsePeerEndpoint(text);
  if (parsed.ok) return parsed.endpoint;
  throw new RpcError(Code.INVALID_ARGUMENT, `${field}: expected host:port, got ${JSON.stringify(text.slice(0, 80))}`);
}
