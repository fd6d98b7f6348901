// SPDX-License-Identifier: Apache-2.0

import { type OutcomeContext, outcomeOfFailure } from "./attempt-outcome.ts";
import { ClientError } from "./client-error.ts";
import type { AttemptOutcome } from "./retry-plan.ts";
import { errorOfFailure, judgeHint, type RpcFailure, STATUS } from "./rpc-failure.ts";

/** What a failed attempt of a sequence advance means. */
export type SeqOutcome =
  /** Nothing was taken: the call may go on elsewhere. */
  | { readonly kind: "retry"; readonly outcome: AttemptOutcome }
  /** Nothing was taken, and nothing would be. */
  | { readonly kind: "refused"; readonly error: ClientError }
  /** The values may have been taken. */
  | { readonly kind: "uncertain"; readonly error: ClientError };

/** The one error of an advance whose outcome is unknown. */
export function seqUncertain(message: string, cause: ClientError | undefined, endpoint?: string): ClientError {
  return new ClientError("seq_uncertain", `the values may or may not have been taken: ${message}`, {
    endpoint: endpoint ?? cause?.endpoint,
    grpcStatus: cause?.grpcStatus,
    cause,
  });
}

/**
 * Decides by `tsoracle-behaviour.md` 5.5. An advance is repeated only when the answer proves that
 * nothing happened: it was never sent, or the server refused it as not the leader.
 */
export function seqOutcomeOfFailure(failure: RpcFailure, context: OutcomeContext): SeqOutcome {
  if (failure.phase === "connect") return { kind: "retry", outcome: outcomeOfFailure(failure, context) };
  const error = errorOfFailure(failure);
  switch (failure.status) {
    case STATUS.FAILED_PRECONDITION: {
      const hint = judgeHint(failure, context.tls);
      if (hint === undefined) return { kind: "refused", error };
      const outcome = outcomeOfFailure(failure, context);
      return outcome.kind === "hint_refused" ? { kind: "refused", error: outcome.error } : { kind: "retry", outcome };
    }
    case STATUS.INVALID_ARGUMENT:
      return {
        kind: "refused",
        error: new ClientError("invalid_seq_key", failure.message, {
          endpoint: failure.target.address,
          grpcStatus: failure.status,
        }),
      };
    case STATUS.RESOURCE_EXHAUSTED:
    case STATUS.UNIMPLEMENTED:
      return { kind: "refused", error };
    default:
      return { kind: "uncertain", error: seqUncertain(failure.message, error) };
  }
}
