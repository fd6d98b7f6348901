// SPDX-License-Identifier: Apache-2.0
import { type Epoch, PHYSICAL_MS_MAX } from "@tsoracle/core";

/**
 * Every way in which a driver call can fail. The list is closed and under semver.
 *
 * | code | meaning | gRPC status | what the caller may do |
 * | --- | --- | --- | --- |
 * | `not_leader` | refused locally; nothing was written | FAILED_PRECONDITION with leader hint | stop serving, wait for the next leadership item |
 * | `fenced` | the store holds a newer epoch; nothing was written | FAILED_PRECONDITION with leader hint | the same; final for this epoch |
 * | `transient` | not done, or outcome unknown; the store may recover | UNAVAILABLE | retry a high-water or lease write under the same epoch; never a sequence advance |
 * | `uncertain` | sent, the outcome is unknown: done, not done, or done later | UNAVAILABLE | as `transient` |
 * | `permanent` | needs a person | INTERNAL | stop and report |
 * | `out_of_range` | a high-water above 46 bits; nothing was written | INTERNAL | a defect or a broken clock: stop and report |
 * | `closed` | the driver was disposed before the call; nothing was written | UNAVAILABLE | open another driver |
 * | `seq_cardinality_exceeded` | a new sequence key at the store's cap; nothing was written | RESOURCE_EXHAUSTED | use existing keys, or a store with a larger cap |
 * | `seq_overflow` | the counter would pass 2^64-1; nothing was written | FAILED_PRECONDITION without hint | use another key |
 * | `dense_not_activated`, `dense_batch_not_activated`, `leases_not_activated` | not every member understands the record yet; nothing was written | FAILED_PRECONDITION without hint | finish the upgrade |
 */
export type ConsensusErrorCode =
  | "not_leader"
  | "fenced"
  | "transient"
  | "uncertain"
  | "permanent"
  | "out_of_range"
  | "closed"
  | "seq_cardinality_exceeded"
  | "seq_overflow"
  | "dense_not_activated"
  | "dense_batch_not_activated"
  | "leases_not_activated";

/**
 * Which rule refuses a change of the members, with the code `permanent`; nothing was changed.
 *
 * - `not_member`: there is no such member
 * - `not_caught_up`: the learner lacks too much to vote; wait and ask again
 * - `would_lose_quorum`: no voter would be left, or too few that are heard from
 * - `leads`: the leader cannot remove itself; it hands leadership over first
 * - `conflict`: the id, the address or the disk is another member's, or was one's that is gone
 */
export type MembershipRefusal = "not_member" | "not_caught_up" | "would_lose_quorum" | "leads" | "conflict";

export interface ConsensusErrorOptions {
  readonly cause?: unknown;
  /** With `fenced` or `not_leader`: the newer epoch, where it is known. */
  readonly currentEpoch?: Epoch | undefined;
  /** With `permanent`, from a change of the members. */
  readonly refusal?: MembershipRefusal | undefined;
}

const brand = "@tsoracle/consensus.ConsensusError";

/** A driver call that was not fulfilled. `instanceof` works across copies of this package. */
export class ConsensusError extends Error {
  override readonly name = "ConsensusError";
  readonly code: ConsensusErrorCode;
  readonly currentEpoch: Epoch | undefined;
  readonly refusal: MembershipRefusal | undefined;
  protected readonly "@tsoracle/consensus.ConsensusError" = true;

  constructor(code: ConsensusErrorCode, message: string, options: ConsensusErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.currentEpoch = options.currentEpoch;
    this.refusal = options.refusal;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this test and must not claim every ConsensusError.
    if (this !== ConsensusError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }

  /**
   * The error itself when it is one already; anything else becomes `permanent`, because a failure
   * that a driver did not classify is a defect, and serving on would be a guess. The reason of an
   * aborted signal is no failure of the driver: whoever passed a signal looks at it first.
   */
  static from(error: unknown): ConsensusError {
    if (error instanceof ConsensusError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ConsensusError("permanent", `the driver failed with an unclassified error: ${message}`, {
      cause: error,
    });
  }
}

/** The refusal of a high-water that cannot be served and would never heal. */
export function advanceOutOfRange(atLeast: unknown): ConsensusError {
  return new ConsensusError(
    "out_of_range",
    `high-water advance ${String(atLeast)} exceeds the 46-bit physical_ms maximum or is not an integer in 0..=${PHYSICAL_MS_MAX}`,
  );
}
