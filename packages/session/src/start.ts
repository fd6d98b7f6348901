// SPDX-License-Identifier: Apache-2.0
import { ownershipFence } from "@tsoracle/fencing";
import { checkBackend, type PersistenceBackend } from "./backend.ts";
import { checkEpoch, checkId, checkInteger, checkMs, checkText } from "./checked.ts";
import type { DurableSession, Snapshot } from "./durable-session.ts";
import { stateOf } from "./replay.ts";
import { checkPolicy, type ResumePolicy } from "./state.ts";
import type { TokenScheme } from "./token.ts";

export interface StartOptions {
  readonly sessionId: string;
  readonly owner: string;
  readonly route: string;
  readonly backend: PersistenceBackend;
  readonly resumePolicy: ResumePolicy;
  readonly nowMs: number;
  /** Longest time without service after which a reconnect still counts as continuous, in milliseconds. */
  readonly continuitySloMs: number;
  /** Most entries that a crash may lose. */
  readonly maxDataLossEvents: number;
  /** Epoch of the first owner; a fresh oracle timestamp where there is an oracle. @defaultValue 1 */
  readonly epoch?: bigint;
}

/**
 * A new session: live, its counter 0, its journal empty. Source: `fencing-quorum-sessions.md` 4.2 and 4.4.
 *
 * @throws SessionError `id_invalid`, `text_invalid`, `number_out_of_range`, `epoch_out_of_range`, `variant_unknown`.
 */
export function start(options: StartOptions, tokens: TokenScheme): DurableSession {
  const sessionId = checkId("the session id", options.sessionId);
  const owner = checkId("the owner", options.owner);
  const epoch = checkEpoch("the first epoch", options.epoch ?? 1n, 1n);
  const snapshot: Snapshot = Object.freeze({
    sessionId,
    route: checkText("the route", options.route),
    counter: 0,
    lifecycle: "live",
    checkpointEpoch: epoch,
    checkpointMs: checkMs("nowMs", options.nowMs),
  });
  return Object.freeze({
    backend: checkBackend(options.backend),
    resumePolicy: checkPolicy(options.resumePolicy),
    fence: ownershipFence({ owner, epoch, token: tokens.expected(sessionId, owner, epoch) }),
    snapshot,
    base: stateOf(snapshot),
    journalRev: Object.freeze([]),
    ...checkBudgets(options),
  });
}

/** The two budgets of a session. @throws SessionError `number_out_of_range`. */
export function checkBudgets(budgets: {
  readonly continuitySloMs: number;
  readonly maxDataLossEvents: number;
}): Pick<DurableSession, "continuitySloMs" | "maxDataLossEvents"> {
  return {
    continuitySloMs: checkMs("continuitySloMs", budgets.continuitySloMs),
    maxDataLossEvents: checkInteger("maxDataLossEvents", budgets.maxDataLossEvents, 0, Number.MAX_SAFE_INTEGER),
  };
}
