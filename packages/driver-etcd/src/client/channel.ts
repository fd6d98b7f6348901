// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { Endpoint, EtcdTls } from "../access.ts";
import type { RpcStatus } from "../classify.ts";
import type { Codec } from "../wire/codec.ts";
import type { ResponseHeader, WatchRequest, WatchResponse } from "../wire/messages.ts";
import { LEASE_KEEP_ALIVE, type Method, WATCH } from "../wire/methods.ts";
import { deadlineIn } from "./deadline.ts";

/** A call that ended with a gRPC status other than OK. */
export class RpcFailure extends Error implements RpcStatus {
  override readonly name = "RpcFailure";
  readonly code: number;
  readonly details: string;

  constructor({ code, details }: RpcStatus) {
    super(details);
    this.code = code;
    this.details = details;
  }
}

export interface ChannelCall {
  readonly timeoutMs: number;
  readonly token: string | undefined;
}

/** L5: a dead connection is noticed after three seconds, also while nothing is asked. */
const OPTIONS = {
  "grpc.keepalive_time_ms": 2_000,
  "grpc.keepalive_timeout_ms": 1_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Each driver has connections of its own, and what was sent once is never sent again behind its back.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.max_receive_message_length": 4 * 1024 * 1024,
};

/** The connection to one member. */
export class EtcdChannel {
  readonly #client: Client;

  constructor({ address, secure }: Endpoint, tls: EtcdTls | undefined) {
    const name = tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName };
    this.#client = new Client(address, secure ? secureBy(tls) : credentials.createInsecure(), { ...OPTIONS, ...name });
  }

  /** @throws RpcFailure */
  unary<Q, R extends { readonly header: ResponseHeader }>(
    method: Method<Q, R>,
    request: Q,
    { timeoutMs, token }: ChannelCall,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        serializer(method.request),
        (bytes: Buffer) => method.response.decode(bytes),
        request,
        metadata(token, false),
        within(timeoutMs),
        (error: ServiceError | null, response?: R) => {
          if (error === null && response !== undefined) resolve(response);
          else reject(new RpcFailure(error ?? { code: 2, details: "etcd answered nothing" }));
        },
      );
    });
  }

  /** One keep-alive on a stream of its own (L5: `hasleader`), so that it moves on to another member as any call does. */
  keepAlive(id: bigint, { timeoutMs, token }: ChannelCall): Promise<KeptAlive> {
    return new Promise((resolve, reject) => {
      const stream = this.#client.makeBidiStreamRequest(
        LEASE_KEEP_ALIVE.path,
        serializer(LEASE_KEEP_ALIVE.request),
        (bytes: Buffer) => LEASE_KEEP_ALIVE.response.decode(bytes),
        metadata(token, true),
        within(timeoutMs),
      );
      stream.once("data", (response: KeptAlive) => {
        resolve(response);
        stream.cancel();
      });
      stream.on("error", (error: ServiceError) => reject(new RpcFailure(error)));
      stream.once("end", () => reject(new RpcFailure({ code: 14, details: "etcd ended the keep-alive" })));
      stream.write({ id });
      stream.end();
    });
  }

  watch(request: WatchRequest, token: string | undefined): ClientDuplexStream<WatchRequest, WatchResponse> {
    const stream = this.#client.makeBidiStreamRequest(
      WATCH.path,
      serializer(WATCH.request),
      (bytes: Buffer) => WATCH.response.decode(bytes),
      metadata(token, true),
    );
    stream.write(request);
    return stream;
  }

  /** Calls under way end by their own deadlines. */
  close(): void {
    this.#client.close();
  }
}

type KeptAlive = ReturnType<(typeof LEASE_KEEP_ALIVE)["response"]["decode"]>;

const serializer =
  <Q>(codec: Codec<Q>) =>
  (message: Q): Buffer =>
    Buffer.from(codec.encode(message));

function within(timeoutMs: number): CallOptions {
  return { deadline: deadlineIn(timeoutMs) };
}

function metadata(token: string | undefined, hasLeader: boolean): Metadata {
  const values = new Metadata();
  if (token !== undefined) values.set("token", token);
  // A member without a leader then ends the stream instead of keeping silent.
  if (hasLeader) values.set("hasleader", "true");
  return values;
}

function secureBy(tls: EtcdTls | undefined): ChannelCredentials {
  const pem = (text: string | Buffer | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert));
}
