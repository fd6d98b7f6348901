// SPDX-License-Identifier: Apache-2.0
import type { JournalFence } from "./fenced-journal.ts";

/**
 * Every way in which a call of a fenced journal can fail. The list is closed and under semver.
 *
 * | code | meaning | what the caller may do |
 * | --- | --- | --- |
 * | `fenced` | somebody else owns the journal, or this owner never took it over; nothing was written | drop the session at once; own it again only by a takeover with a fresh epoch |
 * | `split_brain` | another owner holds the very same epoch; nothing was written | drop the session and raise an alarm: an epoch was used twice or forged |
 * | `conflict` | the fence is right and the number is not; nothing was written | load and look; what an uncertain append left may be there |
 * | `unknown_session` | there is no journal of this id; nothing was written | create it, if it should exist |
 * | `oversize` | an entry or a snapshot is larger than the store takes; nothing was written | make it smaller, or open the store with other limits |
 * | `invalid` | an argument is not what it must be; nothing was written | correct the call |
 * | `transient` | nothing was written; the store may recover | the same call again, later |
 * | `uncertain` | sent, the outcome is unknown: done, not done, or done later | the same call again, which happens at most once, or a takeover with a fresh epoch, which ends the doubt |
 * | `permanent` | the store is damaged or can no longer be trusted | stop and report: it needs a person |
 * | `in_use` | the store admits one process at a time and another has it; nothing was opened | stop the other one, or use another place |
 * | `closed` | this journal was disposed before the call; nothing was written | open another |
 */
export type JournalErrorCode =
  | "fenced"
  | "split_brain"
  | "conflict"
  | "unknown_session"
  | "oversize"
  | "invalid"
  | "transient"
  | "uncertain"
  | "permanent"
  | "in_use"
  | "closed";

export interface JournalErrorOptions {
  readonly cause?: unknown;
  /** With `fenced` and `split_brain`: who owns the journal, where it is known. */
  readonly current?: JournalFence | undefined;
  /** With `conflict`: the number that the journal expects next, where it is known. */
  readonly nextSeq?: number | undefined;
}

const brand = "@tsoracle/consensus.JournalError";

/** A call of a fenced journal that was not fulfilled. `instanceof` works across copies of this package. */
export class JournalError extends Error {
  override readonly name = "JournalError";
  readonly code: JournalErrorCode;
  readonly current: JournalFence | undefined;
  readonly nextSeq: number | undefined;
  protected readonly "@tsoracle/consensus.JournalError" = true;

  constructor(code: JournalErrorCode, message: string, options: JournalErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.current = options.current;
    this.nextSeq = options.nextSeq;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }

  /** The error itself when it is one already; anything else becomes `permanent`, because it was not foreseen. */
  static from(error: unknown): JournalError {
    if (error instanceof JournalError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new JournalError("permanent", `the journal failed with an unclassified error: ${message}`, { cause: error });
  }
}
