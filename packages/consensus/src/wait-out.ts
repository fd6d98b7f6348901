// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, waitOutMs } from "./tenure-terms.ts";

/**
 * The time a new leader lets pass before it serves, so that its predecessor's tenure has ended by
 * any clock (`postgres-redis.md` 2.3). It looks at the monotonic clock alone: one that ran ahead
 * would cut the wait short.
 *
 * Pure: `now` is an argument, in nanoseconds of one process's monotonic clock.
 */
export class WaitOut {
  /** When serving may begin, in monotonic nanoseconds. */
  readonly deadlineNs: bigint;

  private constructor(deadlineNs: bigint) {
    this.deadlineNs = deadlineNs;
  }

  /** Waits a whole D(1+ρ) from `baseNs`, the arrival of the reply that showed the predecessor's last renewal. */
  static after(baseNs: bigint, terms: TenureTerms): WaitOut {
    return new WaitOut(baseNs + BigInt(Math.ceil(waitOutMs(terms) * 1e6)));
  }

  /** Nothing to wait for: the predecessor released cleanly, or there has been none. */
  static none(nowNs: bigint): WaitOut {
    return new WaitOut(nowNs);
  }

  /**
   * What the next reign of the same process must wait for, if no other process reigned in between and
   * the earlier reign has stopped granting: its own unfinished wait, or nothing once that was over. A
   * reign that was still waiting for somebody else ended nobody's tenure; for the same reason it must
   * not leave a clean release behind before its wait is over.
   */
  inherited(nowNs: bigint): WaitOut {
    return this.over(nowNs) ? WaitOut.none(nowNs) : this;
  }

  over(nowNs: bigint): boolean {
    return nowNs >= this.deadlineNs;
  }

  remainingMs(nowNs: bigint): number {
    return this.over(nowNs) ? 0 : Number(this.deadlineNs - nowNs) / 1e6;
  }
}
