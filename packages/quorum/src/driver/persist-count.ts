// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { AckTracker } from "../ack-tracker.ts";
import type { QuorumPolicy } from "../policy.ts";
import { quorumIndex } from "../quorum-index.ts";

/** How one member answered a write of one reign. */
export type MemberAnswer =
  | { readonly kind: "ack"; readonly highWater: number }
  /** Its epoch is over there, for good. */
  | { readonly kind: "refused"; readonly message: string }
  /** The reign does not lead that member, so that nothing was sent; it may come to lead it yet. */
  | { readonly kind: "outside" }
  | { readonly kind: "failed"; readonly error: ConsensusError };

export type PersistVerdict =
  | { readonly kind: "met"; readonly highWater: number }
  /** So many members refused that this reign can never reach W of them again. */
  | { readonly kind: "fenced"; readonly message: string }
  | { readonly kind: "refused"; readonly error: ConsensusError };

/**
 * Counts the answers to one write of the high-water. Pure.
 *
 * What a met write resolves to is the W-th largest acknowledgement, never the largest: a minority may hold a larger
 * value from a write that nobody was told of, and a successor may not see it. A reign is fenced only by impossibility:
 * one refusal and silence of the rest is a doubt. Source: `postgres-redis.md` 1.2, 4.3.
 */
export class PersistCount {
  readonly #policy: QuorumPolicy;
  readonly #members: readonly string[];
  readonly #tracker: AckTracker;
  readonly #answers = new Map<string, MemberAnswer>();
  #expired = false;

  constructor(policy: QuorumPolicy, members: readonly string[]) {
    this.#policy = policy;
    this.#members = members;
    this.#tracker = new AckTracker(policy, 0, { localVote: "none", members });
  }

  /** Takes the answer of one member; the first counts. */
  record(member: string, answer: MemberAnswer): void {
    if (this.#answers.has(member) || !this.#members.includes(member)) return;
    this.#answers.set(member, answer);
    if (answer.kind === "ack") this.#tracker.recordPeerAck(member);
    else this.#tracker.recordPeerFailure(member);
  }

  /** Nothing more is waited for. */
  expire(): void {
    this.#expired = true;
    this.#tracker.expire();
  }

  /** The verdict, once there is one. A doubt is declared when everybody has answered or time is up. */
  verdict(): PersistVerdict | undefined {
    const { w } = this.#policy;
    if (this.#tracker.isQuorumMet(0)) {
      const held = [...this.#answers.values()].flatMap((answer) => (answer.kind === "ack" ? [answer.highWater] : []));
      return { kind: "met", highWater: quorumIndex(held, w) };
    }
    const n = this.#members.length;
    if (n - this.#count(({ kind }) => kind === "refused") < w) return { kind: "fenced", message: this.#describe() };
    const permanent = this.#count((answer) => answer.kind === "failed" && isPermanent(answer.error));
    if (n - permanent < w) return { kind: "refused", error: new ConsensusError("permanent", this.#describe()) };
    if (!this.#expired && this.#answers.size < n) return undefined;
    return {
      kind: "refused",
      error: new ConsensusError(this.#mayHaveRun ? "uncertain" : "transient", this.#describe()),
    };
  }

  /** Whether some member has the write, or may have it, or may come to have it. */
  get #mayHaveRun(): boolean {
    const isSilent = this.#answers.size < this.#members.length;
    const isOpen = (answer: MemberAnswer): boolean =>
      answer.kind === "ack" || (answer.kind === "failed" && answer.error.code === "uncertain");
    return isSilent || this.#count(isOpen) > 0;
  }

  #count(matches: (answer: MemberAnswer) => boolean): number {
    return [...this.#answers.values()].filter(matches).length;
  }

  #describe(): string {
    const { w, n } = this.#policy;
    const others = this.#members.flatMap((member) => {
      const answer = this.#answers.get(member);
      if (answer === undefined) return [`${member} did not answer in time`];
      if (answer.kind === "ack") return [];
      if (answer.kind === "outside") return [`${member} is led by another node, or by nobody`];
      return [`${member}: ${answer.kind === "failed" ? answer.error.message : answer.message}`];
    });
    return `${this.#tracker.got} of ${n} members took the high-water, ${w} are needed: ${others.join("; ")}`;
  }
}

/** Sorts what a member's driver threw. */
export function answerOf(error: unknown, epoch: Epoch): MemberAnswer {
  const failure = ConsensusError.from(error);
  if (failure.code === "fenced" || failure.code === "not_leader") {
    return { kind: "refused", message: `member epoch ${epoch} is over: ${failure.message}` };
  }
  return { kind: "failed", error: failure };
}

function isPermanent({ code }: ConsensusError): boolean {
  switch (code) {
    case "transient":
    case "uncertain":
    case "fenced":
    case "not_leader":
      return false;
    default:
      return true;
  }
}
