// SPDX-License-Identifier: Apache-2.0

/** The gRPC status codes that this server answers with, apart from OK. */
export const Code: {
  readonly INVALID_ARGUMENT: 3;
  readonly NOT_FOUND: 5;
  readonly RESOURCE_EXHAUSTED: 8;
  readonly FAILED_PRECONDITION: 9;
  readonly OUT_OF_RANGE: 11;
  readonly UNIMPLEMENTED: 12;
  readonly INTERNAL: 13;
  readonly UNAVAILABLE: 14;
} = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
};

export type StatusCode = (typeof Code)[keyof typeof Code];

/** How a call ends when it is not fulfilled, before any transport is involved. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: StatusCode;
  /** The bytes of the leader-hint trailer. Present, if empty, exactly on a NOT_LEADER answer. */
  readonly leaderHint: Uint8Array | undefined;

  constructor(code: StatusCode, message: string, leaderHint?: Uint8Array) {
    super(message);
    this.code = code;
    this.leaderHint = leaderHint;
  }
}
