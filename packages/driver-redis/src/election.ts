// SPDX-License-Identifier: Apache-2.0
import { type Ballot, laterBallot, NO_BALLOT } from "./ballot.ts";
import type { PrepareAnswer, PrepareOutcome, StatusOutcome } from "./node-outcome.ts";
import { VoteCount } from "./vote-count.ts";

/** A node that counts for an election: its promise was seen when given and again in a round started afterwards. */
export interface Elector {
  readonly member: string;
  /** What PREPARE found on it. */
  readonly before: PrepareAnswer;
  /** When that answer arrived, in monotonic nanoseconds. */
  readonly arrivedNs: bigint;
}

export interface Mandate {
  readonly epoch: Ballot;
  /** The largest high-water of both rounds: nothing above it was ever served. */
  readonly highWater: number;
  readonly electors: readonly Elector[];
}

export type ElectionState =
  | { readonly phase: "preparing" }
  /** Send STATUS now, to these nodes only. */
  | { readonly phase: "verifying"; readonly members: readonly string[] }
  | { readonly phase: "elected"; readonly mandate: Mandate }
  /** `largest` is the newest epoch that any node named: the next ballot must be above it. */
  | { readonly phase: "lost"; readonly largest: Ballot; readonly why: string };

/**
 * One candidacy (`postgres-redis.md` 4.4), as a pure machine. The shell sends PREPARE once to every node, hands in the
 * answers, and sends STATUS when the machine says so.
 *
 * The second round is not a formality. An acknowledgement can outlive the data it stands for: a node that answered,
 * was wiped and was admitted again under a newer ballot would still be counted. Only nodes that show the promise in a
 * round started after the last counted answer hold it together.
 */
export class Election {
  readonly epoch: Ballot;
  readonly #members: readonly string[];
  readonly #prepared = new Map<string, Elector>();
  readonly #prepares: VoteCount;
  #verified = new Map<string, Elector>();
  #statuses: VoteCount | undefined;
  #highWater = 0;
  #largest: Ballot;
  #state: ElectionState = { phase: "preparing" };

  constructor(epoch: Ballot, members: readonly string[]) {
    this.epoch = epoch;
    this.#members = members;
    this.#prepares = new VoteCount(members);
    this.#largest = epoch;
  }

  get state(): ElectionState {
    return this.#state;
  }

  onPrepare(member: string, outcome: PrepareOutcome, arrivedNs: bigint): void {
    if ("promised" in outcome) this.#largest = laterBallot(this.#largest, outcome.promised);
    if (outcome.kind === "ok") {
      this.#highWater = Math.max(this.#highWater, outcome.highWater);
      if (!this.#prepared.has(member)) this.#prepared.set(member, { member, before: outcome, arrivedNs });
    }
    if (this.#state.phase !== "preparing") return;
    this.#prepares.record(member, outcome);
    if (this.#prepares.isMet) this.#verify();
    else this.#loseIf(this.#prepares, "PREPARE");
  }

  /** Only answers to the round that {@link state} asked for. */
  onStatus(member: string, outcome: StatusOutcome): void {
    if (outcome.kind === "ok") this.#largest = laterBallot(this.#largest, outcome.promised);
    const elector = this.#prepared.get(member);
    if (this.#state.phase !== "verifying" || this.#statuses === undefined) return;
    if (elector === undefined || !this.#state.members.includes(member)) return;
    if (outcome.kind !== "ok") {
      this.#statuses.record(member, outcome);
    } else if (outcome.promised !== this.epoch) {
      this.#statuses.record(member, { kind: "stale", promised: outcome.promised });
    } else {
      this.#highWater = Math.max(this.#highWater, outcome.highWater);
      this.#verified.set(member, elector);
      this.#statuses.record(member, outcome);
    }
    if (this.#statuses.isMet) {
      const electors = [...this.#verified.values()];
      this.#state = {
        phase: "elected",
        mandate: { epoch: this.epoch, highWater: this.#highWater, electors },
      };
    } else this.#loseIf(this.#statuses, "STATUS");
  }

  /** Nobody waits any longer. */
  onTimeout(): void {
    if (this.#state.phase === "preparing") this.#lose("a majority did not answer PREPARE in time");
    if (this.#state.phase === "verifying") this.#lose("a majority did not answer STATUS in time");
  }

  #verify(): void {
    const members = [...this.#prepared.keys()];
    this.#statuses = new VoteCount(this.#members);
    for (const member of this.#members) {
      // Whoever is not asked again can never count.
      if (!this.#prepared.has(member)) this.#statuses.record(member, { kind: "not-asked" });
    }
    this.#state = { phase: "verifying", members };
  }

  #loseIf(count: VoteCount, round: string): void {
    if (count.isImpossible) this.#lose(`a majority refused or could not answer ${round}`);
  }

  #lose(why: string): void {
    this.#state = { phase: "lost", largest: this.#largest, why };
  }
}

/** The newest epoch that any elector had promised before. */
export function previousPromise(electors: readonly Elector[]): Ballot {
  return electors.reduce((newest, { before }) => laterBallot(newest, before.promised), NO_BALLOT);
}
