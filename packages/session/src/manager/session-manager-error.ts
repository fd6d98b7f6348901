// SPDX-License-Identifier: Apache-2.0
import type { JournalFence } from "@tsoracle/consensus";
import type { OwnershipError } from "../ownership-error.ts";

/**
 * Every way in which a manager or one of its sessions refuses. The list is closed and under semver.
 *
 * | code | meaning | what the caller may do |
 * | --- | --- | --- |
 * | `owned_elsewhere` | another node owns the session and has not let it go, or has let it go to a third one; nothing was written | ask that node, or claim it with `takeover` if that node is gone |
 * | `already_open` | this manager has the session open, or is opening it; nothing was written | use the handle that is there |
 * | `stale_owner` | the claim is older than the present owner; nothing was written | claim again, if the session should still come here |
 * | `reused_epoch` | the claim has the right token and the epoch of another owner; nothing was written | alarm: an epoch was handed out twice |
 * | `forged_claim` | the claim has a wrong token and the epoch of another owner; nothing was written | alarm |
 * | `forged_token` | the plain token does not belong to session, owner and epoch; nothing was written | look where the claim came from |
 * | `wrong_hmac` | the token was made with another secret or with none; nothing was written | alarm, or give all nodes one secret |
 * | `oracle_unavailable` | no fresh timestamp could be had; nothing was written | the same call again, later |
 * | `fenced` | another node took the session over; it is dropped here | stop serving it; open it again only if it should come back |
 * | `split_brain` | another owner writes under the very same epoch; the session is dropped here | alarm, and as `fenced` |
 * | `out_of_step` | the journal holds what this owner did not write; the session is dropped here | look for two processes with one node name, then open it again |
 * | `store_failed` | the store is damaged, disposed, or no longer has the session; it is dropped here | look at `cause`; open it again once the store is well |
 * | `uncertain` | a write was sent and its outcome is unknown: done, not done, or done later | `settle()`, or just go on: the next call settles it first; or open the session again and look |
 * | `in_doubt` | an earlier write is still uncertain, and the store does not answer; nothing of this call was written | the same call again, later |
 * | `not_live` | the session has crashed or was just taken over, and nobody reconnected yet; nothing was written | `reconnect()` |
 * | `queue_full` | too many calls wait for this session, or too many sessions are open; nothing was written | wait for answers before asking for more |
 * | `unreadable` | the journal holds bytes that no manager wrote, or of a newer version; nothing was written | do not mix writers; update this package |
 * | `backend_unfit` | the backend keeps no snapshots; nothing was written | choose another backend, or do not ask |
 * | `handed_off` | this node has let the session go to another | stop serving it |
 * | `closed` | the session was closed here, or the manager was | open it again |
 * | `abandoned` | the session was dropped here without a word to the store | open it again |
 */
export type SessionManagerErrorCode =
  | "owned_elsewhere"
  | "already_open"
  | "stale_owner"
  | "reused_epoch"
  | "forged_claim"
  | "forged_token"
  | "wrong_hmac"
  | "oracle_unavailable"
  | "fenced"
  | "split_brain"
  | "out_of_step"
  | "store_failed"
  | "uncertain"
  | "in_doubt"
  | "not_live"
  | "queue_full"
  | "unreadable"
  | "backend_unfit"
  | "handed_off"
  | "closed"
  | "abandoned";

export interface SessionManagerErrorOptions {
  readonly cause?: unknown;
  /** Who owns the session, where it is known. */
  readonly current?: JournalFence | undefined;
  /** With a refused claim: the answer of the model, for labels and metrics. */
  readonly ownership?: OwnershipError | undefined;
  /** With `uncertain`: the number that the write has, if it happened. */
  readonly seq?: number | undefined;
}

const brand = "@tsoracle/session.SessionManagerError";

/** A call that a manager or a session refused. `instanceof` works across copies of this package. */
export class SessionManagerError extends Error {
  override readonly name = "SessionManagerError";
  readonly code: SessionManagerErrorCode;
  readonly current: JournalFence | undefined;
  readonly ownership: OwnershipError | undefined;
  readonly seq: number | undefined;
  protected readonly "@tsoracle/session.SessionManagerError" = true;

  constructor(code: SessionManagerErrorCode, message: string, options: SessionManagerErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.current = options.current;
    this.ownership = options.ownership;
    this.seq = options.seq;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}
