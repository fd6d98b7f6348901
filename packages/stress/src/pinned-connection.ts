// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { type GetTsFields, grantFromResponse, HOT_GET_TS } from "@tsoracle/proto";
import type { CallResult } from "./recorded-call.ts";

const CHANNEL = {
  // A connection of one's own, which is tried again at once: the server is back within a second.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 200,
};

/** One connection to one server, without redirects and without retries. */
export class PinnedConnection {
  readonly #client: Client;

  constructor(endpoint: string) {
    this.#client = new Client(endpoint, credentials.createInsecure(), CHANNEL);
  }

  /**
   * Never rejects. An answer that is not one counts as `protocol_violation`, as a client would call it.
   *
   * @param patienceMs the deadline of the call
   */
  take(count: number, patienceMs: number): Promise<CallResult> {
    const { path, requestSerialize, responseDeserialize } = HOT_GET_TS;
    const options = { deadline: Date.now() + patienceMs };
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, count, options, (error, fields) => {
        resolve(error === null && fields !== undefined ? answerOf(fields, count) : refusalOf(error));
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

function answerOf(fields: GetTsFields, count: number): CallResult {
  try {
    const grant = grantFromResponse(fields, count);
    return { kind: "answer", first: grant.first(), count: grant.count, epoch: grant.epoch };
  } catch {
    return { kind: "error", code: "protocol_violation", issuedNothing: false };
  }
}

function refusalOf(error: ServiceError | null): CallResult {
  const code = error?.code ?? status.UNKNOWN;
  return { kind: "error", code: status[code] ?? String(code), issuedNothing: code === status.FAILED_PRECONDITION };
}
