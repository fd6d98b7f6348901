// SPDX-License-Identifier: Apache-2.0

/**
 * Why a quorum was not met. The words go over the wire and into metrics.
 *
 * - `unreachable`: no peer acknowledged at all
 * - `timeout`: some did, not enough in time
 * - `id_drift`: with the peers that stored the record under another id there would have been enough
 * - `in_flight`: nothing is decided yet
 */
export type QuorumFailureReason = "unreachable" | "timeout" | "id_drift" | "in_flight";

export const QUORUM_FAILURE_REASONS: readonly QuorumFailureReason[] = Object.freeze([
  "unreachable",
  "timeout",
  "id_drift",
  "in_flight",
]);

const reasonNames: Readonly<Record<QuorumFailureReason, string>> = {
  unreachable: "Unreachable",
  timeout: "Timeout",
  id_drift: "IdDrift",
  in_flight: "InFlight",
};

/**
 * What went wrong. The list may grow, so a switch over it keeps a default.
 *
 * | code | meaning | what the caller may do |
 * | --- | --- | --- |
 * | `quorum_not_met` | too few acknowledged; **the outcome is unknown**: the write may surface later | retry what is idempotent, such as a high-water; else find out first |
 * | `invalid_policy` | the numbers of the policy cannot be | correct the configuration |
 * | `local_write_failed` | the local store refused; no peer was asked | as without replication |
 * | `duplicate_peer` | one peer is configured twice and would vote twice | correct the configuration |
 * | `invalid_peer` | a peer without an address | correct the configuration |
 */
export type QuorumErrorCode =
  | "quorum_not_met"
  | "invalid_policy"
  | "local_write_failed"
  | "duplicate_peer"
  | "invalid_peer";

export interface QuorumNotMetDetail {
  readonly got: number;
  readonly needed: number;
  readonly reason: QuorumFailureReason;
}

const brand = "@tsoracle/quorum.QuorumError";

/** A write or a policy that did not work out. `instanceof` works across copies of this package. */
export class QuorumError extends Error {
  override readonly name = "QuorumError";
  readonly code: QuorumErrorCode;
  /** What the message says after its fixed beginning. */
  readonly detail: string;
  /** With `quorum_not_met` only. */
  readonly quorum: QuorumNotMetDetail | undefined;
  protected readonly "@tsoracle/quorum.QuorumError" = true;

  private constructor(
    code: QuorumErrorCode,
    message: string,
    detail: string,
    options: { readonly quorum?: QuorumNotMetDetail; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.quorum = options.quorum;
  }

  static notMet(quorum: QuorumNotMetDetail): QuorumError {
    const detail = `got ${quorum.got}, need ${quorum.needed}, reason ${reasonNames[quorum.reason]}`;
    return new QuorumError("quorum_not_met", `quorum not met (${detail})`, detail, {
      quorum: Object.freeze({ ...quorum }),
    });
  }

  static invalidPolicy(detail: string): QuorumError {
    return new QuorumError("invalid_policy", `invalid quorum policy: ${detail}`, detail);
  }

  static localWriteFailed(detail: string, cause?: unknown): QuorumError {
    return new QuorumError("local_write_failed", `local write failed: ${detail}`, detail, { cause });
  }

  static duplicatePeer(detail: string): QuorumError {
    return new QuorumError("duplicate_peer", `duplicate peer: ${detail}`, detail);
  }

  static invalidPeer(detail: string): QuorumError {
    return new QuorumError("invalid_peer", `invalid peer: ${detail}`, detail);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this test and must not claim every QuorumError.
    if (this !== QuorumError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}

/**
 * Reads the wire form of a reason.
 *
 * @throws QuorumError `invalid_policy` for a word that is none.
 */
export function parseQuorumFailureReason(text: unknown): QuorumFailureReason {
  const reason = QUORUM_FAILURE_REASONS.find((known) => known === text);
  if (reason !== undefined) return reason;
  throw QuorumError.invalidPolicy(
    `expected one of ${QUORUM_FAILURE_REASONS.join(", ")} as a failure reason, got ${JSON.stringify(text)}`,
  );
}
