// SPDX-License-Identifier: Apache-2.0
import { BALLOT_64, type BallotLayout, candidateEpoch } from "./ballot.ts";
import { checkEpoch } from "./epoch-domain.ts";
import type { FenceRecord } from "./fence-rule.ts";
import { checkId } from "./node-id.ts";

/** What one node is in its group, as far as it knows. */
export type ReignState =
  | { readonly role: "standby"; readonly leader?: string }
  /** Has an epoch that is not yet promised: it must not be used, only be made durable and offered. */
  | { readonly role: "candidate"; readonly epoch: bigint }
  | { readonly role: "leader"; readonly epoch: bigint };

/** A write may begin under this stamp, or this node is not the one to take it. */
export type WriteAdmission =
  | { readonly ok: true; readonly stamp: FenceRecord }
  | { readonly ok: false; readonly kind: "not_leader"; readonly leader?: string };

export interface ReignOptions {
  readonly id: string;
  /** The node's slot in every epoch it mints; unique in the group. */
  readonly slot: bigint;
  readonly layout?: BallotLayout;
  /** What the node's durable fence holds: a restart does not forget. */
  readonly fencerHighest: bigint;
  /** The last epoch that this node campaigned with, from its own durable record. */
  readonly lastPersisted: bigint;
}

/**
 * The reigns of one node as a pure state machine: no I/O, no clock. Whoever drives it elects
 * (`electLeader`), makes promises durable (`DurableEpochFencer`) and ships records.
 *
 * 1. `campaign` answers an epoch above everything heard of. Make it durable, here and at a majority of the
 *    configured members, then call `promised` with it; only then is this node the leader.
 * 2. A record carries the stamp of `admitWrite` from its creation on, however late it is shipped.
 * 3. A refusal by any sink goes to `fenced`: the leader steps down at once, and its next campaign is above
 *    what refused it.
 *
 * Source: `fencing-quorum-sessions.md` 3.7.
 */
export class Reign {
  readonly #id: string;
  readonly #slot: bigint;
  readonly #layout: BallotLayout;
  #highestSeen: bigint;
  #fencerHighest: bigint;
  #state: ReignState = { role: "standby" };

  constructor(options: ReignOptions) {
    this.#id = checkId(options.id, "a node id");
    this.#slot = options.slot;
    this.#layout = options.layout ?? BALLOT_64;
    this.#fencerHighest = checkEpoch(options.fencerHighest, this.#layout.bits);
    this.#highestSeen = checkEpoch(options.lastPersisted, this.#layout.bits);
  }

  get state(): ReignState {
    return this.#state;
  }

  /**
   * Takes note of an epoch of another node, alive or dead. A leader or candidate that hears of a higher
   * one is over.
   *
   * @param leader the id of the node that reigns under the epoch, if known
   */
  observed(epoch: bigint, leader?: string): void {
    checkEpoch(epoch, this.#layout.bits);
    const own = this.#state.role === "standby" ? undefined : this.#state.epoch;
    const newest = epoch >= this.#highestSeen;
    if (epoch > this.#highestSeen) this.#highestSeen = epoch;
    if (own !== undefined && epoch > own) this.#standBy(leader);
    else if (own === undefined && newest && leader !== undefined) this.#standBy(leader);
  }

  /**
   * Begins a campaign, also out of a reign or a campaign under way.
   *
   * @returns the epoch to make durable
   * @throws FenceValueError `ballots_exhausted`
   */
  campaign(): bigint {
    const epoch = candidateEpoch(
      { known: [], fencerHighest: this.#fencerHighest, lastPersisted: this.#highestSeen },
      this.#slot,
      this.#layout,
    );
    this.#highestSeen = epoch;
    this.#state = { role: "candidate", epoch };
    return epoch;
  }

  /** The promise of an epoch is durable. A promise of an earlier campaign changes nothing. */
  promised(epoch: bigint): void {
    if (epoch > this.#fencerHighest) this.#fencerHighest = epoch;
    if (this.#state.role === "candidate" && this.#state.epoch === epoch) this.#state = { role: "leader", epoch };
  }

  /**
   * A sink refused what carried `offered`: it holds `current` (the same epoch with another owner included).
   * A refusal of an earlier reign teaches the higher epoch and ends nothing that is newer.
   */
  fenced(offered: bigint, current: bigint): void {
    checkEpoch(current, this.#layout.bits);
    if (current > this.#highestSeen) this.#highestSeen = current;
    if (this.#state.role === "standby") return;
    if (this.#state.epoch === offered || current > this.#state.epoch) this.#standBy(undefined);
  }

  /** Asked at the beginning of every client write, in the same synchronous turn in which the record is made. */
  admitWrite(): WriteAdmission {
    const state = this.#state;
    switch (state.role) {
      case "leader":
        return { ok: true, stamp: { epoch: state.epoch, owner: this.#id } };
      case "candidate":
        return { ok: false, kind: "not_leader" };
      case "standby":
        return state.leader === undefined
          ? { ok: false, kind: "not_leader" }
          : { ok: false, kind: "not_leader", leader: state.leader };
      default:
        return state satisfies never;
    }
  }

  #standBy(leader: string | undefined): void {
    this.#state = leader === undefined || leader === this.#id ? { role: "standby" } : { role: "standby", leader };
  }
}
