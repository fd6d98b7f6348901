// SPDX-License-Identifier: Apache-2.0
import { type LeaseClock, type LeaseMark, laterMark } from "@tsoracle/consensus";

/**
 * How long this process may believe that its candidacy lives, whatever etcd thinks (L3): the send time of the last
 * answered keep-alive, and the TTL that etcd granted, less a margin for clock rates. A clock that ran ahead only
 * shortens it.
 */
export class LocalDeadline {
  readonly #clock: LeaseClock;
  readonly #drift: number;
  #sent: LeaseMark;
  #ttlMs: number;

  /** @param sent from before the lease was asked for */
  constructor(clock: LeaseClock, drift: number, sent: LeaseMark, ttlSeconds: bigint) {
    this.#clock = clock;
    this.#drift = drift;
    this.#sent = sent;
    this.#ttlMs = Number(ttlSeconds) * 1_000;
  }

  /** The TTL that etcd granted last, in milliseconds. */
  get ttlMs(): number {
    return this.#ttlMs;
  }

  /** A keep-alive sent after the mark was taken has been answered with this TTL. Answers may come in any order. */
  answered(sent: LeaseMark, ttlSeconds: bigint): void {
    const later = laterMark(this.#sent, sent);
    if (later !== sent) return;
    this.#sent = sent;
    this.#ttlMs = Number(ttlSeconds) * 1_000;
  }

  /** Milliseconds until it has passed; zero or less once it has, and not a number for a broken clock. */
  remainingMs(): number {
    return this.#ttlMs * (1 - this.#drift) - this.#clock.ageMs(this.#sent);
  }

  /** Whether the candidacy may still be alive. A clock that answers NaN says no. */
  holds(): boolean {
    return this.remainingMs() > 0;
  }
}
