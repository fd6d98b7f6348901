// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type ConsensusDriver,
  ConsensusError,
  type DriverCapabilities,
  type LeaderState,
  rejectOutOfRangeAdvance,
} from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs, epoch as toEpoch } from "@tsoracle/core";
import { quorumCapabilities } from "./capabilities.ts";
import { Electorate } from "./electorate.ts";
import { checkOptions, type QuorumDriverOptions, type QuorumSetup } from "./options.ts";
import { readSettled } from "./read-settled.ts";

/**
 * Makes one driver of N. It owns the members and disposes them.
 *
 * @throws QuorumError `invalid_policy` for W below a majority or a policy for another N, `duplicate_peer`,
 * `invalid_peer` for a member without dense sequences. Nothing was written.
 */
export function quorumDriver(options: QuorumDriverOptions): ConsensusDriver {
  const setup = checkOptions(options);
  const capabilities = quorumCapabilities(options.drivers.map(({ driver }) => driver.capabilities));
  return new QuorumDriver(setup, capabilities);
}

class QuorumDriver implements ConsensusDriver {
  readonly name = "quorum";
  readonly capabilities: DriverCapabilities;
  /** Present if every member can hand over. */
  readonly resign?: (reason: string) => Promise<void>;
  readonly #setup: QuorumSetup;
  readonly #electorate: Electorate;
  readonly #calls = new Calls("quorum");
  #disposal: Promise<void> | undefined;

  constructor(setup: QuorumSetup, capabilities: DriverCapabilities) {
    this.capabilities = capabilities;
    this.#setup = setup;
    this.#electorate = new Electorate(setup, capabilities.realTimeOrder);
    if (setup.members.every(({ driver }) => driver.resign !== undefined)) {
      this.resign = (reason) => this.#calls.run(undefined, () => this.#electorate.resign(reason));
    }
    this.#electorate.start();
  }

  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState> {
    return this.#electorate.cell.read(options);
  }

  loadHighWater(options?: CallOptions): Promise<PhysicalMs> {
    return this.#calls.run(options, async () => {
      const { reign } = this.#electorate;
      // A leader writes back what its candidacy read, so that what it starts from cannot vanish.
      if (reign !== undefined) {
        const written = await reign.persist(0).catch((error: unknown) => {
          if (error instanceof ConsensusError && isOver(error)) return undefined;
          throw error;
        });
        if (written !== undefined) return written;
      }
      return physicalMs(await readSettled(this.#setup));
    });
  }

  async persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs> {
    return await this.#calls.run(options, async () => {
      rejectOutOfRangeAdvance(atLeast);
      const { reign } = this.#electorate;
      if (reign === undefined || reign.epoch !== epoch) throw this.#notLeader(epoch);
      try {
        return await reign.persist(atLeast);
      } finally {
        // A refusal may have ended the reign before any member's stream said so.
        if (reign.isOver) this.#electorate.consider();
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#electorate.retire();
    await this.#calls.close();
    await this.#electorate.close();
  }

  #notLeader(epoch: Epoch): ConsensusError {
    const currentEpoch = toEpoch(this.#electorate.reached);
    if (epoch < currentEpoch) {
      return new ConsensusError("fenced", `epoch ${epoch} is over; nothing was sent`, { currentEpoch });
    }
    return new ConsensusError("not_leader", `this node does not lead in epoch ${epoch}; nothing was sent`, {
      currentEpoch,
    });
  }
}

function isOver({ code }: ConsensusError): boolean {
  return code === "fenced" || code === "not_leader";
}
