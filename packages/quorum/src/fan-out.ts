// SPDX-License-Identifier: Apache-2.0
import { invariant } from "@tsoracle/core";
import { AckTracker, type QuorumResult } from "./ack-tracker.ts";
import type { PeerOutcome } from "./peer.ts";
import type { QuorumPolicy } from "./policy.ts";
import type { Timers } from "./timers.ts";

/** A peer of one write; `deliver` never rejects. */
export interface FanOutPeer {
  readonly id: string;
  deliver(): Promise<PeerOutcome>;
}

/** A peer that had not acknowledged when the write was accounted for. */
export interface MissingPeer {
  readonly id: string;
  readonly reason: string;
}

export interface FanOutOptions {
  readonly policy: QuorumPolicy;
  readonly peers: readonly FanOutPeer[];
  readonly hasLocalVote: boolean;
  readonly isStrict: boolean;
  readonly timers: Timers;
  /** Each peer's final outcome, at most once per peer; `isLate` when the deadline had passed. */
  readonly onOutcome: (peerId: string, outcome: PeerOutcome, isLate: boolean) => void;
  /**
   * Once, when every peer has had its say or the deadline has passed: who is missing, sorted by id. Late
   * outcomes may still follow.
   */
  readonly onAccount: (missing: readonly MissingPeer[], result: QuorumResult) => void;
}

/**
 * One write on its way to its peers. The verdict comes as soon as the quorum is met, has become impossible or
 * is out of time; the sends go on regardless.
 */
export class FanOut {
  /** The verdict. Never rejects. */
  readonly verdict: Promise<QuorumResult>;
  /** Resolves when every send has ended, be it long after the verdict. Never rejects. */
  readonly sent: Promise<void>;
  readonly #options: FanOutOptions;
  readonly #tracker: AckTracker;
  readonly #outcomes = new Map<string, PeerOutcome>();
  readonly #cancelDeadline: () => void;
  #decide!: (result: QuorumResult) => void;
  #result: QuorumResult | undefined;
  #isAccounted = false;
  #isExpired = false;

  constructor(options: FanOutOptions) {
    this.#options = options;
    const { policy, peers, timers } = options;
    this.verdict = new Promise((resolve) => {
      this.#decide = resolve;
    });
    this.#tracker = new AckTracker(policy, timers.monotonicMs(), {
      localVote: options.hasLocalVote ? "required" : "none",
      members: peers.map(({ id }) => id),
      strictDeadline: options.isStrict,
    });
    if (options.hasLocalVote) this.#tracker.recordLocal();
    this.#cancelDeadline = timers.after(policy.ackTimeoutMs, () => this.#onDeadline());
    this.sent = Promise.all(peers.map(async (peer) => this.#onOutcome(peer.id, await peer.deliver()))).then(
      () => undefined,
    );
    this.#settle();
    this.#accountIfDone();
  }

  #onOutcome(peerId: string, outcome: PeerOutcome): void {
    const now = this.#options.timers.monotonicMs();
    this.#outcomes.set(peerId, outcome);
    switch (outcome.kind) {
      case "ack":
        this.#tracker.recordPeerAck(peerId, now);
        break;
      case "id_drift":
        this.#tracker.recordIdDrift(peerId);
        break;
      case "fail":
        this.#tracker.recordPeerFailure(peerId);
        break;
      default:
        outcome satisfies never;
    }
    this.#options.onOutcome(peerId, outcome, this.#isExpired || now > this.#tracker.deadline);
    this.#settle();
    this.#accountIfDone();
  }

  #onDeadline(): void {
    this.#isExpired = true;
    this.#tracker.expire();
    this.#settle();
    this.#account();
  }

  #settle(): void {
    if (this.#result !== undefined) return;
    const now = this.#options.timers.monotonicMs();
    const result = this.#tracker.finalise(now);
    if (!result.ok && !this.#tracker.isTerminal(now)) return;
    this.#result = result;
    this.#decide(result);
  }

  #accountIfDone(): void {
    if (this.#outcomes.size === this.#options.peers.length) this.#account();
  }

  #account(): void {
    if (this.#isAccounted) return;
    this.#isAccounted = true;
    this.#cancelDeadline();
    const result = this.#result;
    invariant(result !== undefined, "a write is decided when all peers have answered or time is up");
    const missing = this.#options.peers
      .filter(({ id }) => this.#outcomes.get(id)?.kind !== "ack")
      .map(({ id }) => ({ id, reason: reasonOf(this.#outcomes.get(id)) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#options.onAccount(missing, result);
  }
}

function reasonOf(outcome: PeerOutcome | undefined): string {
  if (outcome === undefined) return "deadline_exceeded";
  return outcome.kind === "fail" ? outcome.text : outcome.kind;
}
