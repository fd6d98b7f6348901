// SPDX-License-Identifier: Apache-2.0

/**
 * Every way in which a client call can fail. The list is closed and under semver.
 *
 * | code | meaning | what the caller may do |
 * | --- | --- | --- |
 * | `invalid_options` | the client was made with options that contradict each other or are out of range | fix the options |
 * | `invalid_endpoint` | an endpoint is not `host:port` | fix the endpoint |
 * | `no_reachable_endpoints` | the list of endpoints is empty, or no attempt was possible in time | fix the list, or try later |
 * | `invalid_count`, `invalid_seq_key`, `invalid_lease` | an argument is out of range; nothing was sent, or the server refused it | fix the argument |
 * | `no_leader` | nobody led the oracle for as long as the call could wait | try later |
 * | `transport` | the server could not be reached, or the connection was lost | try again |
 * | `deadline_exceeded` | no answer in time | try again |
 * | `rpc` | a server answered with another status, see `grpcStatus` | depends on the status |
 * | `seq_uncertain` | a sequence advance was sent and its outcome is unknown | resolve it with `loadSeq`; never repeat it blindly |
 * | `protocol_violation` | an answer did not answer the request; nothing of it was handed out | report it |
 * | `timestamp_regression` | a timestamp was not above those handed out before; it was withheld | stop and report: the oracle broke its promise |
 * | `overloaded` | more calls wait than the client may hold | call less, or raise `maxQueuedCalls` |
 * | `closed` | the client was closed, before the call or during it | make another client |
 */
export type ClientErrorCode =
  | "invalid_options"
  | "invalid_endpoint"
  | "no_reachable_endpoints"
  | "invalid_count"
  | "invalid_seq_key"
  | "invalid_lease"
  | "no_leader"
  | "transport"
  | "deadline_exceeded"
  | "rpc"
  | "seq_uncertain"
  | "protocol_violation"
  | "timestamp_regression"
  | "overloaded"
  | "closed";

export interface ClientErrorDetails {
  /** The server that was asked, as `host:port`. */
  readonly endpoint?: string | undefined;
  /** The gRPC status code with which the server or the transport answered. */
  readonly grpcStatus?: number | undefined;
  readonly cause?: unknown;
}

const brand = "@tsoracle/client.ClientError";

/** A client call that was not fulfilled. `instanceof` works across copies of this package. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  readonly endpoint: string | undefined;
  readonly grpcStatus: number | undefined;
  protected readonly "@tsoracle/client.ClientError" = true;

  constructor(code: ClientErrorCode, message: string, details: ClientErrorDetails = {}) {
    const where = details.endpoint === undefined ? "" : ` (${details.endpoint})`;
    super(`[${code}] ${message}${where}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.endpoint = details.endpoint;
    this.grpcStatus = details.grpcStatus;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** The refusal of a call that the client has no room for. */
export function overloaded(limit: number): ClientError {
  return new ClientError("overloaded", `expected at most ${limit} calls to wait at the same time, got one more`);
}
