// SPDX-License-Identifier: Apache-2.0

/** What a member showed to a candidate that leads it, in a read begun after it was seen to lead. */
export interface MemberReading {
  /** The largest ballot that anybody has written there. */
  readonly ballot: bigint;
  readonly highWater: number;
}

/** What a candidate writes, and where. */
export interface Minted {
  readonly ballot: bigint;
  /** The largest high-water that was read: nothing above it was acknowledged to an earlier reign. */
  readonly highWater: number;
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
}

/**
 * One candidacy of a node for the whole: read W members that it leads, mint a ballot above all that they show,
 * write it to W of those. Pure: answers go in, the outcome comes out.
 *
 * Each write is refused by its member unless the candidate still leads it in the epoch of its read. So a ballot is
 * written to W members only by somebody who leads all of them, and who has seen whatever was written to them before.
 */
export class Candidacy {
  readonly #needed: number;
  readonly #newest: bigint;
  readonly #open: Set<string>;
  readonly #readings = new Map<string, MemberReading>();
  readonly #written = new Set<string>();
  #minted: Minted | undefined;

  constructor(options: CandidacyOptions) {
    this.#needed = options.needed;
    this.#newest = options.newest;
    this.#open = new Set(options.led);
  }

  get minted(): Minted | undefined {
    return this.#minted;
  }

  /** Takes one reading. The W-th mints the ballot; those after it come too late to be counted. */
  recordReading(member: string, reading: MemberReading): void {
    if (this.#minted !== undefined || !this.#open.has(member)) return;
    this.#readings.set(member, reading);
    if (this.#readings.size < this.#needed) return;
    const ballots = [...this.#readings.values()].map(({ ballot }) => ballot);
    const highWaters = [...this.#readings.values()].map(({ highWater }) => highWater);
    this.#minted = Object.freeze({
      ballot: largest([this.#newest, ...ballots]) + 1n,
      highWater: Math.max(...highWaters),
      members: Object.freeze([...this.#readings.keys()]),
    });
  }

  /** The member has the ballot, and had no newer leader when it took it. */
  recordWritten(member: string): void {
    if (this.#open.has(member) && this.#minted?.members.includes(member) === true) this.#written.add(member);
  }

  /** The member will not answer, refused, or left its outcome unknown. */
  recordFailure(member: string): void {
    this.#open.delete(member);
  }

  get outcome(): "open" | "won" | "lost" {
    if (this.#written.size >= this.#needed) return "won";
    const possible = this.#minted === undefined ? [...this.#open] : this.#minted.members;
    const left = possible.filter((member) => this.#open.has(member) || this.#written.has(member)).length;
    return left < this.#needed ? "lost" : "open";
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
