// SPDX-License-Identifier: Apache-2.0
import type { OkCall } from "./call.ts";

/** Two calls hold the same timestamps. */
export interface Duplicate {
  readonly kind: "duplicate";
  /** The call whose range starts lower (if both start alike, the one recorded first). */
  readonly lower: OkCall;
  readonly upper: OkCall;
  /** First timestamp that both hold. */
  readonly first: bigint;
  /** How many timestamps both hold. */
  readonly count: bigint;
}

/** `before` had to be below `after` entirely, and is not. */
export interface OrderViolation {
  readonly kind: "client_order" | "epoch_order" | "real_time_order";
  readonly before: OkCall;
  readonly after: OkCall;
  /** Last timestamp of `before` minus first of `after`: how far `after` went back, 0 for the same value. */
  readonly behind: bigint;
}

/** A batch that is not consecutive timestamps of one millisecond. */
export interface BatchViolation {
  readonly kind: "batch_order";
  readonly call: OkCall;
  /** Index of the first timestamp out of place: not its predecessor plus one, or of another millisecond. */
  readonly at: number;
}

export type Violation = Duplicate | OrderViolation | BatchViolation;

/** All violations of one kind: every one is counted, the first few and the worst are kept. */
export interface Finding<V extends Violation> {
  /** Offending calls: each call counts once, however many others it conflicts with. */
  readonly count: number;
  /** The largest `count` of a duplicate, `behind` of an order violation, broken batch; the first of equals. */
  readonly worst: V | null;
  /** The first `maxKept`, in the order that the check states. */
  readonly kept: readonly V[];
}

export interface CheckOptions {
  /** How many violations of each kind to keep, beside the worst. @defaultValue 10 */
  readonly maxKept?: number;
}

export const DEFAULT_MAX_KEPT = 10;

/** Collects a {@link Finding}; builds the evidence only for violations that are kept. */
export class FindingBuilder<V extends Violation> {
  readonly #maxKept: number;
  readonly #kept: V[] = [];
  #count = 0;
  #worst: { readonly violation: V; readonly weight: bigint } | null = null;

  constructor(maxKept: number) {
    this.#maxKept = maxKept;
  }

  add(weight: bigint, evidence: () => V): void {
    this.#count += 1;
    const keep = this.#kept.length < this.#maxKept;
    const worse = this.#worst === null || weight > this.#worst.weight;
    if (!keep && !worse) return;
    const violation = evidence();
    if (keep) this.#kept.push(violation);
    if (worse) this.#worst = { violation, weight };
  }

  build(): Finding<V> {
    return { count: this.#count, worst: this.#worst?.violation ?? null, kept: this.#kept };
  }
}
