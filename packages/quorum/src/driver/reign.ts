// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError, type Tenure } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs, epoch as toEpoch } from "@tsoracle/core";
import type { QuorumPolicy } from "../policy.ts";
import type { Timers } from "../timers.ts";
import type { BoundMember } from "./bound-member.ts";
import { confirmed } from "./confirm-round.ts";
import { PersistCount, type PersistVerdict } from "./persist-count.ts";

export interface ReignParts {
  readonly ballot: bigint;
  /** The largest high-water that the candidacy read. */
  readonly highWater: number;
  readonly bound: readonly BoundMember[];
  /** The ids of all members, led or not. */
  readonly members: readonly string[];
  readonly policy: QuorumPolicy;
  readonly timers: Timers;
  readonly freshness: "exclusive" | "lease" | "confirm" | "none";
}

interface Waiter {
  readonly atLeast: number;
  resolve(highWater: PhysicalMs): void;
  reject(error: unknown): void;
}

/** One reign of this node over the whole, from its election to its end. It never comes back. */
export class Reign {
  readonly ballot: bigint;
  readonly epoch: Epoch;
  readonly tenure: Tenure | undefined;
  readonly #parts: ReignParts;
  readonly #bound: Map<string, BoundMember>;
  #floor: number;
  /** The largest value that was ever sent to a member, acknowledged or not. */
  #sent = 0;
  #isOver = false;
  #isRetired = false;
  #waiting: Waiter[] = [];
  #isWriting = false;

  constructor(parts: ReignParts) {
    this.#parts = parts;
    this.ballot = parts.ballot;
    this.epoch = toEpoch(parts.ballot);
    this.#bound = new Map(parts.bound.map((bound) => [bound.member.id, bound]));
    this.#floor = parts.highWater;
    this.tenure = Object.freeze(this.#makeTenure());
  }

  /** Whether W members are still held. Once it is not, it never is again: see {@link Reign.end}. */
  get isOver(): boolean {
    if (!this.#isOver && this.#holding(({ isHeld }) => isHeld) < this.#parts.policy.w) this.end();
    return this.#isOver;
  }

  /** Whether it rests on this member, in the epoch in which this node leads it now. */
  rests(member: string): boolean {
    return this.#bound.get(member)?.isHeld === true;
  }

  /** Counts one more member, which the caller has found to know of no newer ballot. */
  join(bound: BoundMember): void {
    if (!this.#isOver) this.#bound.set(bound.member.id, bound);
  }

  /**
   * What a member without a vote must hold before it may have one again, or nothing if it cannot be said now. Call it
   * when the member was seen to be empty: the round that begins after that is taken by W others.
   *
   * It covers all that the member may have forgotten. Of older reigns, the candidacy read it. Of this one, it is the
   * largest value that was ever sent. And no newer reign can have been acknowledged by the member before it was empty:
   * it would have one of the W others as well, which would have refused the round. Where there are tenures, W of the
   * others have one, so that no older reign still has W of its own when the member begins to grant one to this.
   */
  async settle(): Promise<number | undefined> {
    const highWater = await this.persist(this.#sent);
    const isFresh = this.tenure === undefined || this.tenure.valid();
    return isFresh && !this.isOver ? highWater : undefined;
  }

  /** It may not answer any more, but what was begun may be finished: the driver is being disposed. */
  retire(): void {
    this.#isRetired = true;
  }

  /** Ends it for good. What waits was never sent; what was sent resolves to nobody. */
  end(): void {
    this.#isOver = true;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#over("not_leader", "nothing was sent"));
  }

  /**
   * Raises the high-water on W members. One round is under way at a time, and what comes meanwhile shares the next.
   * No round asks for less than a value that this reign has seen, so that a member that lags does not lower the result.
   */
  persist(atLeast: number): Promise<PhysicalMs> {
    if (this.isOver) return Promise.reject(this.#over("not_leader", "nothing was sent"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ atLeast, resolve, reject });
      if (!this.#isWriting) void this.#writeWaiting();
    });
  }

  async #writeWaiting(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const waiters = this.#waiting.splice(0);
      const target = Math.max(this.#floor, ...waiters.map(({ atLeast }) => atLeast));
      this.#sent = Math.max(this.#sent, target);
      const outcome = this.#conclude(await this.#round(target));
      for (const waiter of waiters) {
        if (outcome instanceof ConsensusError) waiter.reject(outcome);
        else waiter.resolve(outcome);
      }
    }
    this.#isWriting = false;
  }

  #conclude(verdict: PersistVerdict): PhysicalMs | ConsensusError {
    // A successor may have read what it starts from already: whatever was acknowledged, nobody may be told now.
    const isLate = this.isOver;
    switch (verdict.kind) {
      case "met":
        if (isLate) return this.#over("uncertain", "some of the members took the write");
        this.#floor = Math.max(this.#floor, verdict.highWater);
        return physicalMs(verdict.highWater);
      case "fenced":
        // Members may have been joined again, in newer epochs, while the round ran: then the reign goes on.
        if (!isLate && this.#holding(({ isHeld, isRefused }) => isHeld && !isRefused) >= this.#parts.policy.w) {
          return new ConsensusError("transient", verdict.message);
        }
        this.end();
        return this.#over("fenced", verdict.message);
      case "refused":
        return verdict.error;
      default:
        return verdict satisfies never;
    }
  }

  /** Sends to every member that is held, and resolves as soon as there is a verdict. Stragglers are not cancelled. */
  #round(target: number): Promise<PersistVerdict> {
    const { members, policy, timers } = this.#parts;
    return new Promise((resolve) => {
      const count = new PersistCount(policy, members);
      const conclude = (): void => {
        const verdict = count.verdict();
        if (verdict === undefined) return;
        cancel();
        resolve(verdict);
      };
      const cancel = timers.after(policy.ackTimeoutMs, () => {
        count.expire();
        conclude();
      });
      for (const member of members) {
        const bound = this.#bound.get(member);
        if (bound?.isHeld !== true) {
          count.record(member, { kind: "outside" });
          continue;
        }
        void bound.raise(target).then((answer) => {
          count.record(member, answer);
          conclude();
        });
      }
      conclude();
    });
  }

  #makeTenure(): Tenure | undefined {
    const { policy, freshness, timers } = this.#parts;
    if (freshness === "exclusive" || freshness === "none") return undefined;
    const valid = (): boolean =>
      !this.#isRetired && !this.isOver && this.#holding(({ isValid }) => isValid) >= policy.w;
    if (freshness === "lease") return { valid };
    return {
      valid,
      confirm: async (options?: CallOptions) => {
        options?.signal?.throwIfAborted();
        if (!valid()) return false;
        return (await confirmed([...this.#bound.values()], policy, timers, options)) && valid();
      },
    };
  }

  #holding(holds: (bound: BoundMember) => boolean): number {
    let count = 0;
    for (const bound of this.#bound.values()) if (holds(bound)) count += 1;
    return count;
  }

  #over(code: "fenced" | "not_leader" | "uncertain", what: string): ConsensusError {
    return new ConsensusError(code, `the reign of epoch ${this.epoch} is over; ${what}`);
  }
}
