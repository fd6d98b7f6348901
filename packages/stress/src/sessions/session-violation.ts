// SPDX-License-Identifier: Apache-2.0
import type { SessionCall } from "./call.ts";

/**
 * - `lost`: an acknowledged entry is not in the journal
 * - `changed`: an entry is there with other content
 * - `repeated`: an entry is there twice
 * - `foreign`: an entry is there that no worker wrote
 * - `refused_but_written`: an entry is there whose append was refused, which says that nothing was written
 * - `fenced_owner`: an append was acknowledged to an owner although it began after a newer one had the session
 * - `epoch_order`: an owner has an epoch that is not above one before it, or entries stand after those of a newer owner
 * - `gap`: numbers of entries are missing, or an entry is not at its place
 * - `continuity`: a takeover says that its budget was kept, and its own figures say otherwise
 * - `unreadable`: a new owner cannot read the session
 * - `alarm`: the session manager saw what should not happen in a sound system
 */
export type SessionViolationKind =
  | "lost"
  | "changed"
  | "repeated"
  | "foreign"
  | "refused_but_written"
  | "fenced_owner"
  | "epoch_order"
  | "gap"
  | "continuity"
  | "unreadable"
  | "alarm";

export interface SessionViolation {
  readonly kind: SessionViolationKind;
  readonly session: string;
  readonly message: string;
  /** The calls that prove it. */
  readonly calls: readonly SessionCall[];
}
