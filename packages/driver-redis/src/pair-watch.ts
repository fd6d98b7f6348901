// SPDX-License-Identifier: Apache-2.0
import { type Ballot, NO_BALLOT } from "./ballot.ts";
import type { StatusAnswer } from "./node-outcome.ts";

interface Sighting {
  readonly answer: StatusAnswer;
  /** Arrival of the reply that first showed this pair of epoch and beat. */
  readonly sinceNs: bigint;
  /** Arrival of the last reply that showed it. */
  readonly lastNs: bigint;
}

/** The newest epoch that a majority shows, and who holds it. */
export interface SeenLeader {
  readonly epoch: Ballot;
  readonly endpoint: string;
  readonly holder: string;
  /** Whether it has renewed within the tenure and has not released. */
  readonly isAlive: boolean;
}

/**
 * What a follower has seen of each node: since when, by its own monotonic clock, the pair of epoch and beat has stood
 * still (`postgres-redis.md` 2.3, 4.5). Pure: time is an argument.
 */
export class PairWatch {
  readonly #sightings = new Map<string, Sighting>();

  /** A reply to STATUS, by its arrival. Replies of one node are handed in as they come. */
  saw(member: string, answer: StatusAnswer, arrivedNs: bigint): void {
    const before = this.#sightings.get(member);
    const isSame = before?.answer.promised === answer.promised && before.answer.beat === answer.beat;
    this.#sightings.set(member, { answer, sinceNs: isSame ? before.sinceNs : arrivedNs, lastNs: arrivedNs });
  }

  /** The node has no vote now, so what it showed says nothing. */
  lost(member: string): void {
    this.#sightings.delete(member);
  }

  /** Forgets everything. */
  clear(): void {
    this.#sightings.clear();
  }

  /** Since when this very pair was seen on the node; undefined if another was seen last, or none. */
  seenSince(member: string, promised: Ballot, beat: string): bigint | undefined {
    const sighting = this.#sightings.get(member);
    if (sighting?.answer.promised !== promised || sighting.answer.beat !== beat) return undefined;
    return sighting.sinceNs;
  }

  /** Every promise that was seen. */
  promises(): Iterable<Ballot> {
    return [...this.#sightings.values()].map(({ answer }) => answer.promised);
  }

  /**
   * Whether a majority reports, each for itself, that nobody needs it: never promised, released cleanly, or silent for
   * a whole tenure between two of its replies, with its dampener run out. Clocks of nodes can delay a campaign and
   * never cause one.
   */
  mayCampaign(majority: number, tenureMs: number): boolean {
    const tenureNs = BigInt(tenureMs) * 1_000_000n;
    let free = 0;
    for (const { answer, sinceNs, lastNs } of this.#sightings.values()) {
      const { promised, released, leasedForMs } = answer;
      const isSilent = lastNs - sinceNs >= tenureNs && leasedForMs === 0;
      if (promised === NO_BALLOT || released === promised || isSilent) free += 1;
    }
    return free >= majority;
  }

  /** The leader that a majority names, if one does. */
  leader(majority: number, tenureMs: number, nowNs: bigint): SeenLeader | undefined {
    const tenureNs = BigInt(tenureMs) * 1_000_000n;
    const byEpoch = new Map<Ballot, Sighting[]>();
    for (const sighting of this.#sightings.values()) {
      const { promised } = sighting.answer;
      byEpoch.set(promised, [...(byEpoch.get(promised) ?? []), sighting]);
    }
    for (const [epoch, sightings] of byEpoch) {
      const [first] = sightings;
      if (epoch === NO_BALLOT || first === undefined || sightings.length < majority) continue;
      const { endpoint, holder } = first.answer;
      const isReleased = sightings.some(({ answer }) => answer.released === epoch);
      const moves = sightings.some(({ sinceNs }) => nowNs - sinceNs < tenureNs);
      return { epoch, endpoint, holder, isAlive: moves && !isReleased };
    }
    return undefined;
  }
}
