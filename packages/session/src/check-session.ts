// SPDX-License-Identifier: Apache-2.0
import { checkBackend } from "./backend.ts";
import { checkEpoch, checkId, checkMs, checkText } from "./checked.ts";
import { type DurableSession, journal } from "./durable-session.ts";
import { checkEntry } from "./journal-entry.ts";
import { checkCounter, replay, sameState } from "./replay.ts";
import { SessionError } from "./session-error.ts";
import { checkBudgets } from "./start.ts";
import { checkLifecycle, checkPolicy, type SessionState } from "./state.ts";
import type { TokenScheme } from "./token.ts";

/**
 * Whether all invariants of a session hold; those made by this package keep them. Never throws.
 * Source: `fencing-quorum-sessions.md` 4.4.
 */
export function valid(session: DurableSession, tokens: TokenScheme): boolean {
  try {
    checkSession(session, tokens);
    return true;
  } catch {
    return false;
  }
}

/**
 * As {@link valid}, and says what is wrong; for sessions that were put together from a store.
 *
 * @throws SessionError for the first invariant that does not hold; `state_diverged` for a token that does not
 * belong to the fence, a checkpoint of a later epoch, and a journal that does not lead to the snapshot.
 */
export function checkSession(session: DurableSession, tokens: TokenScheme): void {
  const { fence, snapshot } = session;
  checkId("the session id", snapshot.sessionId);
  checkId("the owner", fence.owner);
  checkEpoch("the epoch of a fence", fence.epoch, 1n);
  checkEpoch("the epoch of a checkpoint", snapshot.checkpointEpoch, 1n);
  checkMs("checkpointMs", snapshot.checkpointMs);
  checkBackend(session.backend);
  checkPolicy(session.resumePolicy);
  checkBudgets(session);
  checkState(session.base);
  checkState(snapshot);
  const entries = journal(session).map(checkEntry);
  if (!tokens.same(fence.token, tokens.expected(snapshot.sessionId, fence.owner, fence.epoch))) {
    throw diverged(session, "the token does not belong to the session, owner and epoch of its fence");
  }
  if (snapshot.checkpointEpoch > fence.epoch) {
    throw diverged(session, `its checkpoint is of epoch ${snapshot.checkpointEpoch}, its fence of ${fence.epoch}`);
  }
  if (!sameState(replay(session.base, entries), snapshot)) {
    throw diverged(session, "its journal does not lead to its snapshot");
  }
}

function checkState(state: SessionState): void {
  checkCounter(state.counter);
  checkLifecycle(state.lifecycle);
  checkText("the route", state.route);
}

function diverged(session: DurableSession, why: string): SessionError {
  const id = JSON.stringify(session.snapshot.sessionId);
  return new SessionError(
    "state_diverged",
    `expected a consistent session ${id}, but ${why}; recover it from its store`,
  );
}
