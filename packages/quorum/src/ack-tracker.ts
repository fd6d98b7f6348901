// SPDX-License-Identifier: Apache-2.0
import type { QuorumPolicy } from "./policy.ts";
import { QuorumError, type QuorumFailureReason } from "./quorum-error.ts";

export interface AckTrackerOptions {
  /** `none`: there is no local copy, every one of the n is a peer. @defaultValue `required` */
  readonly localVote?: "required" | "none";
  /** Ids that may vote. Acknowledgements of others are ignored and counted. @defaultValue anybody may */
  readonly members?: Iterable<string>;
  /** The id of this node, which has no vote as a peer. @defaultValue none */
  readonly localId?: string;
  /** Ignore acknowledgements recorded after the deadline, as leases need it. @defaultValue false */
  readonly strictDeadline?: boolean;
}

/** The verdict of {@link AckTracker.finalise}. */
export type QuorumResult =
  | { readonly ok: true; readonly acks: number }
  | { readonly ok: false; readonly error: QuorumError };

/**
 * Counts the acknowledgements of one write. Pure: no I/O, no timer, and time is an argument, in
 * monotonic milliseconds of any one origin. Votes only grow, except that a drift takes its peer's vote away.
 * Source: `fencing-quorum-sessions.md` 2.3.
 */
export class AckTracker {
  readonly deadline: number;
  readonly #policy: QuorumPolicy;
  readonly #hasLocalVote: boolean;
  readonly #members: ReadonlySet<string> | undefined;
  readonly #localId: string | undefined;
  readonly #isStrict: boolean;

  readonly #acked = new Set<string>();
  readonly #late = new Set<string>();
  readonly #drifted = new Set<string>();
  readonly #failed = new Set<string>();
  #driftReports = 0;
  #foreignAcks = 0;
  #localCommitted = false;
  #expired = false;

  constructor(policy: QuorumPolicy, now: number, options: AckTrackerOptions = {}) {
    this.#policy = policy;
    this.deadline = now + policy.ackTimeoutMs;
    this.#hasLocalVote = (options.localVote ?? "required") === "required";
    this.#members = options.members === undefined ? undefined : new Set(options.members);
    this.#localId = options.localId;
    this.#isStrict = options.strictDeadline ?? false;
  }

  /** The local copy is durable. Idempotent. */
  recordLocal(): void {
    this.#localCommitted = true;
  }

  /**
   * A peer has the write. A peer votes once, however often it answers.
   *
   * @param at when the answer arrived; required with `strictDeadline`
   * @throws TypeError with `strictDeadline` and without `at`: a vote that may be late must not count.
   */
  recordPeerAck(id: string, at?: number): void {
    if (this.#isStrict && at === undefined) {
      throw new TypeError("recordPeerAck needs the time of arrival when strictDeadline is set");
    }
    if (this.#isForeign(id)) {
      this.#foreignAcks += 1;
    } else if (this.#isStrict && (at === undefined || !(at <= this.deadline))) {
      this.#late.add(id);
    } else {
      this.#acked.add(id);
    }
  }

  /** A peer stored the write under another id. It has no vote any more, whatever it says before or after. */
  recordIdDrift(id: string): void {
    this.#driftReports += 1;
    if (!this.#isForeign(id)) this.#drifted.add(id);
  }

  /** A peer will not answer any more. */
  recordPeerFailure(id: string): void {
    if (!this.#isForeign(id)) this.#failed.add(id);
  }

  /** The time is up, whatever the clock says: timers may fire a little early. */
  expire(): void {
    this.#expired = true;
  }

  /** Votes that count, the local one included. */
  get got(): number {
    return this.#peerAcks() + (this.#hasLocalVote && this.#localCommitted ? 1 : 0);
  }

  /** Peers that acknowledged, except those that drifted, in no particular order. */
  get ackedPeerIds(): ReadonlySet<string> {
    return new Set([...this.#acked].filter((id) => !this.#drifted.has(id)));
  }

  get driftedPeers(): ReadonlySet<string> {
    return new Set(this.#drifted);
  }

  /** How often a drift was reported, duplicates included. */
  get idDriftCount(): number {
    return this.#driftReports;
  }

  /** Acknowledgements of ids that have no vote. */
  get foreignAcks(): number {
    return this.#foreignAcks;
  }

  /** Peers that acknowledged only after the deadline; always 0 without `strictDeadline`. */
  get lateAcks(): number {
    return [...this.#late].filter((id) => !this.#acked.has(id)).length;
  }

  /**
   * Whether the quorum cannot be met any more, however long one waits. A local vote that is still to come
   * counts as possible.
   */
  get isImpossible(): boolean {
    const local = this.#hasLocalVote && !this.#localCommitted ? 1 : 0;
    return this.got + local + this.#undecided() < this.#policy.w;
  }

  /** Whether waiting is over: time is up, or the quorum has become impossible. */
  isTerminal(now: number): boolean {
    return this.#expired || now > this.deadline || this.isImpossible;
  }

  /** Whether the quorum is met in time. At the deadline itself it still can be. */
  isQuorumMet(now: number): boolean {
    if (this.#hasLocalVote && !this.#localCommitted) return false;
    return now <= this.deadline && this.got >= this.#policy.w;
  }

  /**
   * The verdict. A quorum that was met stays met, even if this is asked after the deadline.
   */
  finalise(now: number): QuorumResult {
    if (this.#hasLocalVote && !this.#localCommitted) {
      return { ok: false, error: QuorumError.localWriteFailed("local commit not recorded before finalise") };
    }
    const got = this.got;
    const needed = this.#policy.w;
    if (got >= needed) return { ok: true, acks: got };
    return { ok: false, error: QuorumError.notMet({ got, needed, reason: this.#reason(now) }) };
  }

  #reason(now: number): QuorumFailureReason {
    if (!this.isTerminal(now)) return "in_flight";
    if (this.#policy.w <= this.got + this.#drifted.size) return "id_drift";
    return this.#acked.size === 0 && this.#late.size === 0 ? "unreachable" : "timeout";
  }

  #isForeign(id: string): boolean {
    return id === this.#localId || (this.#members !== undefined && !this.#members.has(id));
  }

  #peerAcks(): number {
    let count = 0;
    for (const id of this.#acked) if (!this.#drifted.has(id)) count += 1;
    return count;
  }

  /** Peers of the policy that may still vote. */
  #undecided(): number {
    const peers = this.#policy.n - (this.#hasLocalVote ? 1 : 0);
    const decided = new Set([...this.#acked, ...this.#late, ...this.#drifted, ...this.#failed]);
    return Math.max(peers - decided.size, 0);
  }
}
