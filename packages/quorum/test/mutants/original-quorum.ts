// SPDX-License-Identifier: Apache-2.0
import { AckTracker, type AckTrackerOptions, QuorumPolicy } from "../../src/index.ts";

/** Q1: half is a majority. */
export const halfMajority = (n: number): number => Math.max(1, Math.ceil(n / 2));

/** Q2: whoever answers has a vote. */
export class AnybodyVotes extends AckTracker {
  constructor(policy: QuorumPolicy, now: number, options: AckTrackerOptions = {}) {
    const { localVote = "required", strictDeadline = false } = options;
    super(policy, now, { localVote, strictDeadline });
  }
}

/** Q3: does not know that a peer can fail before the deadline. */
export class WaitsForTheFailed extends AckTracker {
  override recordPeerFailure(): void {}
}

/** Q4: an answer counts whenever it comes. */
export class CountsLateAnswers extends AckTracker {
  override recordPeerAck(id: string): void {
    super.recordPeerAck(id, this.deadline);
  }
}

/** Q5: a drift changes nothing about a vote. */
export class DriftVotes extends AckTracker {
  override get got(): number {
    return super.got + [...this.driftedPeers].length;
  }
}

/** Q6: believes what was stored. */
export function trustingLoad(json: { readonly n: number; readonly w: number }): {
  readonly n: number;
  readonly w: number;
} {
  return Object.assign(Object.create(QuorumPolicy.prototype) as object, { ...json, ackTimeoutMs: 100 }) as QuorumPolicy;
}

/** Q7: believes the clock when its own timer has fired. */
export class TrustsTheClock extends AckTracker {
  override expire(): void {}
}
