// SPDX-License-Identifier: Apache-2.0
import { status as grpcStatus } from "@grpc/grpc-js";
import type { LeaderHintReading } from "@tsoracle/proto";
import { ClientError } from "./client-error.ts";
import { type Target, targetOfHint } from "./target.ts";

/** The gRPC status codes that decide something here. */
export const STATUS = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

/** How an RPC failed, as the transport saw it. */
export interface RpcFailure {
  readonly target: Target;
  /** In phase `connect` nothing was sent: no server can have acted on the request. */
  readonly phase: "connect" | "call";
  readonly status: number;
  readonly message: string;
  /** The leader-hint trailer, or undefined when the key is absent. */
  readonly hint: LeaderHintReading | undefined;
  readonly cause?: unknown;
}

/** What a NOT_LEADER answer says about the leader. */
export type HintJudgement =
  | { readonly kind: "named"; readonly target: Target; readonly epoch: bigint | undefined }
  | { readonly kind: "leaderless" }
  | { readonly kind: "refused"; readonly reason: string; readonly malformed: boolean };

/** True for failures after which the channel is not worth keeping: the server may be gone or stalled. */
export function isTransportFailure(failure: RpcFailure): boolean {
  return (
    failure.phase === "connect" ||
    failure.status === STATUS.UNAVAILABLE ||
    failure.status === STATUS.DEADLINE_EXCEEDED ||
    failure.status === STATUS.CANCELLED
  );
}

/** Undefined unless the failure is a NOT_LEADER status: FAILED_PRECONDITION with the trailer present, if empty. */
export function judgeHint(failure: RpcFailure, tls: boolean): HintJudgement | undefined {
  const { hint } = failure;
  if (failure.status !== STATUS.FAILED_PRECONDITION || hint === undefined) return undefined;
  if (hint.kind === "malformed") return { kind: "refused", reason: hint.reason, malformed: true };
  if (hint.leaderEndpoint === undefined) return { kind: "leaderless" };
  const judged = targetOfHint(hint.leaderEndpoint, tls);
  if ("refused" in judged) return { kind: "refused", reason: judged.refused, malformed: false };
  return { kind: "named", target: judged.target, epoch: hint.leaderEpoch };
}

/** The failure as a caller sees it. */
export function errorOfFailure(failure: RpcFailure): ClientError {
  const { target, status, message, cause } = failure;
  const details = { endpoint: target.address, grpcStatus: status, cause };
  if (failure.phase === "connect") {
    const code = status === STATUS.DEADLINE_EXCEEDED ? "deadline_exceeded" : "transport";
    return new ClientError(code, `could not connect: ${message}`, details);
  }
  if (status === STATUS.FAILED_PRECONDITION && failure.hint !== undefined) {
    return new ClientError("no_leader", `the server does not lead the oracle: ${message}`, details);
  }
  if (status === STATUS.DEADLINE_EXCEEDED) return new ClientError("deadline_exceeded", message, details);
  if (isTransportFailure(failure)) return new ClientError("transport", message, details);
  return new ClientError("rpc", `the server answered with ${nameOf(status)}: ${message}`, details);
}

/** People know the codes by their names; a number that gRPC does not know stays one. */
function nameOf(status: number): string {
  return grpcStatus[status] ?? `status ${status}`;
}
