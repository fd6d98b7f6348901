// SPDX-License-Identifier: Apache-2.0
import { decodeGetTsResponse, type GetTsFields } from "@tsoracle/proto";
import { ClientError } from "./client-error.ts";
import type { RpcFailure } from "./rpc-failure.ts";
import type { Target } from "./target.ts";

/** How one request for timestamps ended. */
export type TimestampAnswer =
  | { readonly kind: "answer"; readonly fields: GetTsFields }
  | { readonly kind: "failure"; readonly failure: RpcFailure }
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

export function readAnswer(target: Target, bytes: Buffer): TimestampAnswer {
  try {
    return { kind: "answer", fields: decodeGetTsResponse(bytes) };
  } catch (cause) {
    const error = new ClientError("protocol_violation", "the answer cannot be read", {
      endpoint: target.address,
      cause,
    });
    return { kind: "violation", error };
  }
}
