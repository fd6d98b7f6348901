// SPDX-License-Identifier: Apache-2.0
import type { ServiceError } from "@grpc/grpc-js";
import { decodeLeaderHint, LEADER_HINT_TRAILER } from "@tsoracle/proto";
import { type RpcFailure, STATUS } from "./rpc-failure.ts";
import type { Target } from "./target.ts";

/** What a status from @grpc/grpc-js says, for a request that may have reached the server. */
export function failureOfStatus(target: Target, error: ServiceError): RpcFailure {
  const bytes = error.metadata?.get(LEADER_HINT_TRAILER)[0];
  return {
    target,
    phase: "call",
    status: error.code,
    message: error.details || error.message,
    hint: bytes === undefined ? undefined : decodeLeaderHint(Buffer.from(bytes)),
    cause: error,
  };
}

/** A failure before anything was sent. */
export function connectFailure(target: Target, message: string, cause?: unknown): RpcFailure {
  return { target, phase: "connect", status: STATUS.UNAVAILABLE, message, hint: undefined, cause };
}

/** No connection in time. */
export function connectTimeout(target: Target, budgetMs: number): RpcFailure {
  const message = `no connection within ${Math.ceil(budgetMs)} ms`;
  return { target, phase: "connect", status: STATUS.DEADLINE_EXCEEDED, message, hint: undefined };
}
