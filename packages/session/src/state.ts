// SPDX-License-Identifier: Apache-2.0
import { SessionError } from "./session-error.ts";

/**
 * What a reconnect does with the state: `resume` goes on from the snapshot, `rehydrate` rebuilds it from the
 * journal (the result must be equal), `remount` starts from nothing. Source: `fencing-quorum-sessions.md` 4.1.
 */
export type ResumePolicy = "resume" | "rehydrate" | "remount";

/** Source: `fencing-quorum-sessions.md` 4.1. */
export type LifecycleState = "live" | "disconnected" | "crashed";

export const RESUME_POLICIES: readonly ResumePolicy[] = Object.freeze(["resume", "rehydrate", "remount"]);
export const LIFECYCLE_STATES: readonly LifecycleState[] = Object.freeze(["live", "disconnected", "crashed"]);

/** The part of a session that a journal tells. */
export interface SessionState {
  /** A safe integer. */
  readonly counter: number;
  readonly lifecycle: LifecycleState;
  readonly route: string;
}

/** @throws SessionError `variant_unknown`. */
export function checkPolicy(policy: ResumePolicy): ResumePolicy {
  if (RESUME_POLICIES.includes(policy)) return policy;
  throw new SessionError("variant_unknown", `expected ${RESUME_POLICIES.join(", ")} as policy, got ${String(policy)}`);
}

/** @throws SessionError `variant_unknown`. */
export function checkLifecycle(lifecycle: LifecycleState): LifecycleState {
  if (LIFECYCLE_STATES.includes(lifecycle)) return lifecycle;
  throw new SessionError(
    "variant_unknown",
    `expected ${LIFECYCLE_STATES.join(", ")} as lifecycle, got ${String(lifecycle)}`,
  );
}
