// SPDX-License-Identifier: Apache-2.0
import { judgeTakeover, type OwnershipRefusal, type TakeoverRequest } from "@tsoracle/fencing";
import { checkEpoch, checkId, checkMs } from "./checked.ts";
import type { DurableSession } from "./durable-session.ts";
import type { OwnershipError } from "./ownership-error.ts";
import type { TokenScheme } from "./token.ts";

/** `renewed`: the owner had the session already; only the time of the checkpoint moved. */
export type TakeoverResult =
  | { readonly ok: true; readonly renewed: boolean; readonly session: DurableSession }
  | { readonly ok: false; readonly error: OwnershipError };

/**
 * A wish to own the session, judged in the frozen order: a lower epoch is stale; the present epoch of another
 * owner is a split brain, whatever the token; a wrong token is invalid; the present owner with the present
 * epoch renews; anything higher takes over, by whomever and however much higher. A takeover leaves no entry
 * in the journal. Source: `fencing-quorum-sessions.md` 4.3.
 *
 * A refusal is a value, and the session stays as it was. Epoch 0 is a legal wish that is always stale.
 *
 * @throws SessionError (a RangeError) `id_invalid`, `epoch_out_of_range`, `number_out_of_range`.
 */
export function requestTakeover(
  session: DurableSession,
  request: TakeoverRequest,
  nowMs: number,
  tokens: TokenScheme,
): TakeoverResult {
  checkId("the requested owner", request.owner);
  checkEpoch("the requested epoch", request.epoch, 0n);
  const checkpointMs = checkMs("nowMs", nowMs);
  const { fence: current, snapshot } = session;
  const expectedToken = tokens.expected(snapshot.sessionId, request.owner, request.epoch);
  const sameToken = tokens.same;
  const verdict = judgeTakeover({ current, request, expectedToken, sameToken });
  if (!verdict.ok) {
    const rightToken = sameToken(request.token, expectedToken);
    return { ok: false, error: explained(verdict.refusal, rightToken, tokens.mode) };
  }
  const checkpointEpoch = verdict.renewed ? snapshot.checkpointEpoch : verdict.fence.epoch;
  const next: DurableSession = Object.freeze({
    ...session,
    fence: verdict.fence,
    snapshot: Object.freeze({ ...snapshot, checkpointEpoch, checkpointMs }),
  });
  return { ok: true, renewed: verdict.renewed, session: next };
}

/** The refusal with its cause, which only who made the tokens can tell. */
function explained(refusal: OwnershipRefusal, rightToken: boolean, mode: TokenScheme["mode"]): OwnershipError {
  switch (refusal.kind) {
    case "stale_owner":
      return Object.freeze(refusal);
    case "split_brain":
      return Object.freeze({ ...refusal, cause: rightToken ? "reused_epoch" : "forged_claim" });
    case "invalid_token":
      return Object.freeze({ ...refusal, cause: mode === "hmac" ? "wrong_hmac" : "forged_token" });
    default:
      return refusal satisfies never;
  }
}
