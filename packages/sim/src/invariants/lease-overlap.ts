// SPDX-License-Identifier: Apache-2.0
import { hold } from "../violation.ts";

interface Interval {
  readonly fromMs: number;
  endMs: number;
}

/** Invariant 14: in true time, no two epochs hold a lease at once (Q2 to Q6). */
export class LeaseOverlap {
  readonly #byEpoch = new Map<number, Interval>();

  /** The lease of the epoch can be used from `nowMs` until `endMs`, both true time. */
  renewed(epoch: number, nowMs: number, endMs: number): void {
    if (endMs <= nowMs) return;
    const own = this.#byEpoch.get(epoch);
    for (const [other, { fromMs, endMs: end }] of this.#byEpoch) {
      hold(
        other === epoch || end <= nowMs || fromMs >= endMs,
        "14",
        () =>
          `the lease of epoch ${epoch}, until ${endMs.toFixed(1)}, begins at ${nowMs.toFixed(1)}, that of epoch ${other} ends at ${end.toFixed(1)}`,
      );
    }
    if (own === undefined) this.#byEpoch.set(epoch, { fromMs: nowMs, endMs });
    else own.endMs = Math.max(own.endMs, endMs);
    if (this.#byEpoch.size > 4) this.#forget(nowMs);
  }

  /** The reign is over, so its lease is. */
  ended(epoch: number, nowMs: number): void {
    const own = this.#byEpoch.get(epoch);
    if (own !== undefined && own.endMs > nowMs) own.endMs = nowMs;
  }

  #forget(nowMs: number): void {
    for (const [epoch, { endMs }] of this.#byEpoch) if (endMs < nowMs - 10_000) this.#byEpoch.delete(epoch);
  }
}
