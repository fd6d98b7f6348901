// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type ConsensusErrorCode } from "@tsoracle/consensus";
import { AckTracker, QuorumPolicy } from "@tsoracle/quorum";
import { type Ballot, laterBallot, NO_BALLOT, toEpoch } from "./ballot.ts";
import type { NodeFailure } from "./node-outcome.ts";

/** What became of a round. */
export type Verdict =
  | { readonly kind: "met" }
  | { readonly kind: "fenced"; readonly promised: Ballot }
  | { readonly kind: "refused"; readonly error: ConsensusError };

type Vote = { readonly kind: string; readonly promised?: Ballot; readonly message?: string };

/**
 * Counts the answers of one round (`postgres-redis.md` 4.3, 4.10). Pure.
 *
 * A majority is of the n nodes that the register was formatted for. A round is fenced only when so many nodes have
 * promised a newer epoch that this one can never win again; one such node and an unreachable rest is a doubt.
 */
export class VoteCount {
  readonly majority: number;
  readonly #members: readonly string[];
  readonly #tracker: AckTracker;
  readonly #failures = new Map<string, NodeFailure>();
  readonly #answered = new Set<string>();
  readonly #fenced = new Set<string>();
  readonly #outOfRange = new Set<string>();
  #promised: Ballot = NO_BALLOT;
  #expired = false;

  constructor(members: readonly string[]) {
    const policy = QuorumPolicy.majority(members.length);
    this.majority = policy.w;
    this.#members = members;
    this.#tracker = new AckTracker(policy, 0, { localVote: "none", members });
  }

  /** Takes the answer of one node; the first counts. */
  record(member: string, vote: Vote | NodeFailure): void {
    if (this.#answered.has(member)) return;
    this.#answered.add(member);
    if (vote.kind === "ok") {
      this.#tracker.recordPeerAck(member);
      return;
    }
    this.#tracker.recordPeerFailure(member);
    if (vote.kind === "range") this.#outOfRange.add(member);
    if (isFailure(vote)) this.#failures.set(member, vote);
    if (vote.kind === "fenced") this.#fenced.add(member);
    if ("promised" in vote && vote.promised !== undefined) this.#promised = laterBallot(this.#promised, vote.promised);
  }

  /** No more answers will be waited for. */
  expire(): void {
    this.#expired = true;
  }

  /** The newest epoch that a refusing node named. */
  get promised(): Ballot {
    return this.#promised;
  }

  get isMet(): boolean {
    return this.#tracker.isQuorumMet(0);
  }

  /** Whether a majority cannot be had any more. */
  get isImpossible(): boolean {
    return this.#tracker.isImpossible;
  }

  /** The verdict once there is one. A doubt is declared only when every node has answered or time is up. */
  verdict(what: string): Verdict | undefined {
    if (this.isMet) return { kind: "met" };
    const n = this.#members.length;
    if (n - this.#fenced.size < this.majority) return { kind: "fenced", promised: this.#promised };
    const lasting = [...this.#failures.values()].filter(({ why }) => isLasting(why)).length;
    if (n - lasting < this.majority || this.#outOfRange.size > 0) return this.#refused("permanent", what);
    if (!this.#expired && this.#answered.size < n) return undefined;
    return this.#refused(this.#mayHaveRun() ? "uncertain" : "transient", what);
  }

  /** Whether some node has the write, or may have it. */
  #mayHaveRun(): boolean {
    const unheard = this.#members.length - this.#answered.size;
    return this.#tracker.got > 0 || unheard > 0 || [...this.#failures.values()].some(({ mayHaveRun }) => mayHaveRun);
  }

  #refused(code: ConsensusErrorCode, what: string): Verdict {
    const got = `${this.#tracker.got} of ${this.#members.length} nodes answered ${what}, ${this.majority} are needed`;
    const range = [...this.#outOfRange].map(
      (member) => `${member} refused the value, which is a defect of this driver`,
    );
    const failures = [...this.#failures].map(([member, { message }]) => `${member} ${message}`);
    const silent = this.#members
      .filter((member) => !this.#answered.has(member))
      .map((member) => `${member} did not answer in time`);
    const why = [...range, ...failures, ...silent].join("; ");
    const currentEpoch = this.#promised === NO_BALLOT ? undefined : toEpoch(this.#promised);
    return {
      kind: "refused",
      error: new ConsensusError(code, why === "" ? got : `${got}: ${why}`, { currentEpoch }),
    };
  }
}

function isLasting(why: NodeFailure["why"]): boolean {
  return why === "configuration" || why === "amnesia" || why === "topology";
}

function isFailure(vote: Vote | NodeFailure): vote is NodeFailure {
  return vote.kind === "failed";
}
