// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type ConsensusDriver,
  ConsensusError,
  type DriverCapabilities,
  type LeaderState,
  type LeadershipCell,
  rejectOutOfRangeAdvance,
} from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { quorumIndex } from "@tsoracle/quorum";
import { NO_BALLOT, toEpoch } from "./ballot.ts";
import type { Member } from "./member.ts";
import type { Register } from "./register.ts";
import type { Reign } from "./reign.ts";

/** The driver over Redis nodes. It can hand leadership over. */
export interface RedisDriver extends ConsensusDriver {
  resign(reason: string): Promise<void>;
}

export interface RedisDriverParts {
  readonly capabilities: DriverCapabilities;
  readonly register: Register;
  readonly member: Member;
  readonly cell: LeadershipCell;
}

/** The contract over a register and a member of its electorate. */
export class OpenRedisDriver implements RedisDriver {
  readonly name = "redis";
  readonly capabilities: DriverCapabilities;
  readonly #register: Register;
  readonly #member: Member;
  readonly #cell: LeadershipCell;
  readonly #calls = new Calls("redis");
  #disposal: Promise<void> | undefined;

  constructor(parts: RedisDriverParts) {
    this.capabilities = parts.capabilities;
    this.#register = parts.register;
    this.#member = parts.member;
    this.#cell = parts.cell;
    this.#member.start();
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#cell.read(options);
  }

  async loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return await this.#calls.run(options, async () => {
      const reign = this.#member.reign;
      // A leader writes back what its election saw, so that what it returns cannot vanish.
      if (reign?.isLeading === true) {
        const written = await this.#persist(reign, reign.highWater).catch((error: unknown) => {
          if (error instanceof ConsensusError && error.code === "fenced") return undefined;
          throw error;
        });
        if (written !== undefined) return written;
      }
      return physicalMs(await this.#register.read());
    });
  }

  async persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    rejectOutOfRangeAdvance(atLeast);
    return await this.#calls.run(options, () => {
      const reign = this.#member.reign;
      if (reign?.isLeading !== true || reign.epoch !== epoch) throw this.#notLeader(epoch);
      return this.#persist(reign, atLeast);
    });
  }

  async resign(_reason: string): Promise<void> {
    await this.#calls.run(undefined, () => this.#member.resign());
  }

  /** Stands for election now, whoever reigns. For tests; who holds the nodes may still refuse. */
  stand(): void {
    this.#member.stand();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    await Promise.all([this.#calls.close(), this.#member.stop()]);
    this.#cell.close();
    this.#register.close();
  }

  /** Resolves to what a majority holds for certain: the M-th largest acknowledgement, never the largest. */
  async #persist(reign: Reign, atLeast: number): Promise<PhysicalMs> {
    const register = this.#register;
    const value = Math.max(atLeast, reign.highWater);
    const sent = reign.mark();
    const round = this.#member.track(
      register.round("a persist", (node) => register.persist(node, reign.ballot, value)),
    );
    const { verdict, answers } = await round;
    switch (verdict.kind) {
      case "met": {
        reign.renewed(sent);
        const held = [...answers.values()].flatMap((answer) => (answer.kind === "ok" ? [answer.highWater] : []));
        return physicalMs(reign.held(quorumIndex(held, register.majority)));
      }
      case "fenced":
        this.#member.fenced(reign, verdict.promised);
        throw new ConsensusError("fenced", `epoch ${reign.epoch} was superseded; another server leads now`, {
          currentEpoch: toEpoch(verdict.promised),
        });
      case "refused":
        throw verdict.error;
      default:
        return verdict satisfies never;
    }
  }

  #notLeader(epoch: Epoch): ConsensusError {
    const { newest } = this.#member;
    const currentEpoch = newest === NO_BALLOT ? undefined : toEpoch(newest);
    if (currentEpoch !== undefined && epoch < currentEpoch) {
      return new ConsensusError("fenced", `epoch ${epoch} is over; nothing was sent`, { currentEpoch });
    }
    return new ConsensusError("not_leader", `this server does not lead in epoch ${epoch}; nothing was sent`, {
      currentEpoch,
    });
  }
}
