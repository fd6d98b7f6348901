// SPDX-License-Identifier: Apache-2.0
import type { TakeoverRequest } from "@tsoracle/fencing";
import { systemTimers, type Timers } from "@tsoracle/quorum";
import { checkEpoch, checkId } from "../checked.ts";
import type { TokenScheme } from "../token.ts";
import { DEFAULT_SESSION_MANAGER_LIMITS, type TimestampSource } from "./options.ts";
import { SessionManagerError } from "./session-manager-error.ts";

export interface OracleTerms {
  readonly timestamps: TimestampSource;
  readonly timers: Timers;
  readonly limits: { readonly oracleTimeoutMs: number };
}

/**
 * One timestamp that nobody had before.
 *
 * @throws SessionManagerError `oracle_unavailable`; SessionError `epoch_out_of_range` for what is no timestamp.
 */
export async function freshTimestamp({ timestamps, timers, limits }: OracleTerms): Promise<bigint> {
  const controller = new AbortController();
  const { oracleTimeoutMs } = limits;
  const answer = await new Promise<bigint>((resolve, reject) => {
    const stop = timers.after(oracleTimeoutMs, () => {
      const late = unavailable(new Error(`no answer within ${oracleTimeoutMs} ms`));
      reject(late);
      controller.abort(late);
    });
    const asked = new Promise<bigint>((begin) => begin(timestamps({ signal: controller.signal })));
    asked.then(resolve, (cause: unknown) => reject(unavailable(cause))).finally(stop);
  });
  return checkEpoch("a timestamp of the oracle", answer, 1n);
}

function unavailable(cause: unknown): SessionManagerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SessionManagerError("oracle_unavailable", `no fresh timestamp: ${why}`, { cause });
}

export interface ClaimOptions {
  readonly sessionId: string;
  /** The node that is to own the session. */
  readonly owner: string;
  readonly tokens: TokenScheme;
  readonly timestamps: TimestampSource;
}

/**
 * A claim with a fresh epoch: what a coordinator that holds the secret gives to the node that is to have the session,
 * which hands it to `SessionManager.takeover`.
 *
 * @throws SessionError `id_invalid`; SessionManagerError `oracle_unavailable`.
 */
export async function makeClaim({ sessionId, owner, tokens, timestamps }: ClaimOptions): Promise<TakeoverRequest> {
  checkId("the session id", sessionId);
  checkId("the owner", owner);
  const terms = { timestamps, timers: systemTimers, limits: DEFAULT_SESSION_MANAGER_LIMITS };
  return claimOf(sessionId, owner, tokens, await freshTimestamp(terms));
}

export function claimOf(id: string, owner: string, tokens: TokenScheme, epoch: bigint): TakeoverRequest {
  return Object.freeze({ owner, epoch, token: tokens.expected(id, owner, epoch) });
}
