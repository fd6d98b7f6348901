// SPDX-License-Identifier: Apache-2.0
import type { WindowGrant } from "@tsoracle/core";
import { decodeGetTsResponse, grantFromResponse } from "@tsoracle/proto";
import { ClientError } from "./client-error.ts";
import type { RpcFailure } from "./rpc-failure.ts";
import type { Target } from "./target.ts";

/** How one request for timestamps ended. */
export type TimestampAnswer =
  | { readonly kind: "answer"; readonly grant: WindowGrant }
  | { readonly kind: "failure"; readonly failure: RpcFailure }
  /** The answer cannot be read, is not an answer to the request, or breaks the oracle's promise. */
  | { readonly kind: "violation"; readonly error: ClientError };

export interface TimestampRequest {
  readonly count: number;
  /** On the clock of `performance.now()`. */
  readonly deadlineAt: number;
  /** Called once, synchronously within the event that decides. Does not throw. */
  readonly done: (answer: TimestampAnswer) => void;
}

/** Answers are read here and not by the transport, so that one that cannot be read is told apart from a status of the server. */
export function asBytes(bytes: Buffer): Buffer {
  return bytes;
}

/** Reads an answer and checks it against the count that was asked for (`tsoracle-behaviour.md` 4.2). */
export function readAnswer(target: Target, count: number, bytes: Buffer): TimestampAnswer {
  try {
    return { kind: "answer", grant: grantFromResponse(decodeGetTsResponse(bytes), count) };
  } catch (cause) {
    const message = `the answer does not answer the request: ${cause instanceof Error ? cause.message : String(cause)}`;
    return {
      kind: "violation",
      error: new ClientError("protocol_violation", message, { endpoint: target.address, cause }),
    };
  }
}
