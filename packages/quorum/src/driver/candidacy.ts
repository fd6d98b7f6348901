// SPDX-License-Identifier: Apache-2.0
import type { MemberReading } from "./life.ts";

/** What a candidate writes, and where. */
export interface Minted {
  readonly ballot: bigint;
  /** The members that were read; no other may be counted. */
  readonly members: readonly string[];
}

export interface CandidacyOptions {
  /** The members that the candidate leads. */
  readonly led: Iterable<string>;
  /** W: how many it takes. */
  readonly needed: number;
  /** The newest ballot that this node has minted or named; a new one is larger. */
  readonly newest: bigint;
  /** The life of each member in which a first ballot may be minted, if it may: see `nextStep`. */
  readonly begun?: ReadonlyMap<string, bigint> | undefined;
}

/**
 * One candidacy of a node for the whole: read W members that it leads, mint a ballot above all that they show,
 * write it to W of those, and look whether all of them have it. Pure: answers go in, the outcome comes out.
 *
 * Each write is refused by its member unless the candidate still leads it in the epoch of its read. So a ballot is
 * written to W members only by somebody who leads all of them, and who has seen whatever was written to them before.
 * A member that is not admitted has no vote. The last look is for one that took the ballot and lost it since: with it,
 * there is an instant at which W members had the ballot together. It also reads the high-water again: a member that
 * lost its data may let an older reign write until it has the ballot, because its epochs begin again.
 */
export class Candidacy {
  readonly #needed: number;
  readonly #newest: bigint;
  readonly #begun: ReadonlyMap<string, bigint> | undefined;
  readonly #open: Set<string>;
  readonly #readings = new Map<string, MemberReading>();
  readonly #written = new Set<string>();
  readonly #held = new Set<string>();
  #minted: Minted | undefined;
  #highWater = 0;

  constructor(options: CandidacyOptions) {
    this.#needed = options.needed;
    this.#newest = options.newest;
    this.#begun = options.begun;
    this.#open = new Set(options.led);
  }

  get minted(): Minted | undefined {
    return this.#minted;
  }

  /** The largest that was read. Once this has won, nothing above it was acknowledged to an earlier reign. */
  get highWater(): number {
    return this.#highWater;
  }

  /** Takes one reading. The W-th with a vote mints the ballot; those after it come too late to be counted. */
  recordReading(member: string, reading: MemberReading): void {
    if (this.#minted !== undefined || !this.#open.has(member)) return;
    if (reading.stage !== "admitted") {
      this.#open.delete(member);
      return;
    }
    this.#readings.set(member, reading);
    if (this.#readings.size < this.#needed) return;
    if (!this.#mayMint()) {
      this.#open.clear();
      return;
    }
    const ballots = [...this.#readings.values()].map(({ ballot }) => ballot);
    this.#highWater = Math.max(...[...this.#readings.values()].map(({ highWater }) => highWater));
    this.#minted = Object.freeze({
      ballot: largest([this.#newest, ...ballots]) + 1n,
      members: Object.freeze([...this.#readings.keys()]),
    });
  }

  /** The member has the ballot, and had no newer leader when it took it. */
  recordWritten(member: string): void {
    if (this.#open.has(member) && this.#minted?.members.includes(member) === true) this.#written.add(member);
  }

  /** Whether W members have taken the ballot, so that it is time to look whether they all have it still. */
  get isWritten(): boolean {
    return this.#written.size >= this.#needed;
  }

  /** The member had the ballot in a look that was begun when all had taken it, and this high-water. */
  recordHeld(member: string, highWater: number): void {
    if (!this.isWritten || !this.#open.has(member) || !this.#written.has(member)) return;
    this.#held.add(member);
    this.#highWater = Math.max(this.#highWater, highWater);
  }

  /** The member will not answer, refused, left its outcome unknown, or lost what it was given. */
  recordFailure(member: string): void {
    this.#open.delete(member);
  }

  get outcome(): "open" | "won" | "lost" {
    if (this.#held.size >= this.#needed) return "won";
    const possible = this.#minted === undefined ? [...this.#open] : this.#minted.members;
    const left = possible.filter((member) => this.#open.has(member) || this.#held.has(member)).length;
    return left < this.#needed ? "lost" : "open";
  }

  /** A first ballot needs the proof that every member is admitted; one that follows another has it by that one. */
  #mayMint(): boolean {
    const readings = [...this.#readings];
    if (readings.some(([, { ballot }]) => ballot > 0n)) return true;
    return readings.every(([member, { life }]) => this.#begun?.get(member) === life);
  }
}

/**
 * Whether a reign of `ballot` may count a member that it came to lead later, which then showed `shown`. A larger one
 * means that a newer reign may rest on that member already, and has not heard of what this one would write to it.
 */
export function mayJoin(ballot: bigint, shown: bigint): boolean {
  return shown <= ballot;
}

/** The largest of some ballots. `Math.max` is for numbers, which would round them. */
export function largest(ballots: readonly bigint[]): bigint {
  let found = 0n;
  for (const ballot of ballots) if (ballot > found) found = ballot;
  return found;
}
