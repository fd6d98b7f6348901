// SPDX-License-Identifier: Apache-2.0
import type { OwnershipError } from "../ownership-error.ts";
import type { SessionManagerError } from "./session-manager-error.ts";

/**
 * What an operator may want to count or log. `alarm` marks those that should not happen in a sound system: an epoch that
 * was used twice, a claim that was forged, a journal that somebody else wrote to.
 */
export type SessionEvent = { readonly sessionId: string; readonly alarm: boolean } & (
  | { readonly kind: "created" | "taken_over"; readonly epoch: bigint }
  /** A claim was refused; `error.kind` is the label for metrics. */
  | { readonly kind: "claim_refused"; readonly error: OwnershipError }
  /** The session is no longer here; `error` is what its signal says. */
  | { readonly kind: "dropped"; readonly error: SessionManagerError }
  /** The outcome of a write is unknown, and then it is known. */
  | { readonly kind: "uncertain"; readonly seq: number }
  | { readonly kind: "settled"; readonly seq: number; readonly attempts: number }
  | { readonly kind: "snapshot_taken" | "truncated"; readonly seq: number }
  /** Nothing is lost by it: entries stay until a later snapshot covers them. */
  | { readonly kind: "snapshot_failed" | "truncation_failed"; readonly seq: number; readonly cause: unknown }
);
