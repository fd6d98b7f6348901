// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epoch } from "@tsoracle/core";
import { ClientError } from "./client-error.ts";
import type { ClientMetrics } from "./client-metrics.ts";
import type { LeaderCache } from "./leader-cache.ts";
import type { AttemptOutcome } from "./retry-plan.ts";
import { errorOfFailure, isTransportFailure, judgeHint, type RpcFailure, STATUS } from "./rpc-failure.ts";

export interface OutcomeContext {
  readonly leaders: LeaderCache;
  /** Whether hinted endpoints are spoken to over TLS. */
  readonly tls: boolean;
  readonly metrics: ClientMetrics;
  readonly now: number;
}

/**
 * What a failed attempt of a call that may be repeated means for the next one
 * (`tsoracle-behaviour.md` 5.4). Offers a leader hint to the cache on the way; a hint that is
 * refused leaves the cache alone.
 */
export function outcomeOfFailure(failure: RpcFailure, context: OutcomeContext): AttemptOutcome {
  const { metrics } = context;
  const error = errorOfFailure(failure);
  const hint = judgeHint(failure, context.tls);
  if (hint === undefined) {
    const transport = isTransportFailure(failure);
    metrics.count("tsoracle.client.retries.total", { reason: retryReason(failure) });
    return { kind: "failed", transport, error };
  }
  metrics.count("tsoracle.client.not_leader.total");
  const unreadable = hint.kind === "refused" && hint.malformed;
  metrics.count("tsoracle.client.retries.total", { reason: unreadable ? "decode_error" : "not_leader" });
  switch (hint.kind) {
    case "leaderless":
      return { kind: "leaderless", error };
    case "refused":
      if (unreadable) metrics.count("tsoracle.client.leader_hint.decode_failures.total");
      return {
        kind: "hint_refused",
        error: new ClientError("rpc", `the server's leader hint cannot be followed: ${hint.reason}`, {
          endpoint: failure.target.address,
          grpcStatus: failure.status,
        }),
      };
    case "named": {
      // A server that refuses and names itself is on its way into or out of leadership.
      if (hint.target.key === failure.target.key) return { kind: "leaderless", error };
      const offered: Epoch | undefined = hint.epoch === undefined ? undefined : epoch(hint.epoch);
      if (!context.leaders.offerHint(hint.target, offered, context.now)) {
        metrics.count("tsoracle.client.leader_hint.stale.total");
        return { kind: "leaderless", error };
      }
      metrics.count("tsoracle.client.leader_pivots.total");
      return { kind: "redirect", target: hint.target, error };
    }
    default:
      return hint satisfies never;
  }
}

function retryReason(failure: RpcFailure): "connect_failure" | "deadline_exceeded" | "transport" {
  if (failure.phase === "connect") return "connect_failure";
  return failure.status === STATUS.DEADLINE_EXCEEDED ? "deadline_exceeded" : "transport";
}
