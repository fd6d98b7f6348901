// SPDX-License-Identifier: Apache-2.0
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  type GetTsFields,
  type GrpcMethod,
  grpcService,
  HOT_GET_TS,
  HOT_STREAM,
  LEADER_HINT_TRAILER,
  SequenceReadServiceDefinition,
  TsoServiceDefinition,
} from "@tsoracle/proto";
import { HealthDefinition } from "nice-grpc-server-health";
import type { TsoServer } from "../../src/index.ts";

export const tso: ReturnType<typeof grpcService<typeof TsoServiceDefinition>> = grpcService(TsoServiceDefinition);
export const sequenceReads: ReturnType<typeof grpcService<typeof SequenceReadServiceDefinition>> =
  grpcService(SequenceReadServiceDefinition);
export const health: ReturnType<typeof grpcService<typeof HealthDefinition>> = grpcService(HealthDefinition);

/** A bare gRPC client; what it sees is what is on the wire. */
export class WireClient implements Disposable {
  readonly #client: Client;

  constructor(address: { toString(): string }, channel: ChannelCredentials = credentials.createInsecure()) {
    // Every client gets a connection of its own.
    this.#client = new Client(String(address), channel, { "grpc.use_local_subchannel_pool": 1 });
  }

  call<Request, Response>(method: GrpcMethod<Request, Response>, request: Request): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + 15_000;
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline },
        (error, value) => {
          if (error !== null) reject(error);
          else resolve(value as Response);
        },
      );
    });
  }

  getTs(count = 1): Promise<GetTsFields> {
    return this.call(HOT_GET_TS, count);
  }

  stream(): WireStream {
    const { path, requestSerialize, responseDeserialize } = HOT_STREAM;
    return new WireStream(this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize));
  }

  duplex<Request, Response>(method: GrpcMethod<Request, Response>): ClientDuplexStream<Request, Response> {
    return this.#client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
  }

  /** A call answered by a series, read until `enough`. */
  async series<Request, Response>(
    method: GrpcMethod<Request, Response>,
    request: Request,
    onItem: (item: Response, stop: () => void) => void,
  ): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = method;
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        call.cancel();
        resolve();
      };
      call.on("data", (item: Response) => onItem(item, stop));
      call.on("end", resolve);
      call.on("error", reject);
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** One open timestamp stream with everything that came back. */
export class WireStream {
  readonly call: ClientDuplexStream<number, GetTsFields>;
  readonly answers: GetTsFields[] = [];
  readonly ended: Promise<StatusObject>;

  constructor(call: ClientDuplexStream<number, GetTsFields>) {
    this.call = call;
    call.on("data", (answer: GetTsFields) => this.answers.push(answer));
    call.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      call.on("status", resolve);
    });
  }

  ask(...counts: number[]): void {
    for (const count of counts) this.call.write(count);
  }
}

/** The error of a call that must fail. */
export async function refusal(work: Promise<unknown>): Promise<ServiceError> {
  return work.then(
    (value) => {
      throw new Error(
        `it was not refused: ${JSON.stringify(value, (_, field) => (typeof field === "bigint" ? String(field) : field))}`,
      );
    },
    (error: ServiceError) => error,
  );
}

/** The trailer as received, in hex; undefined when there was none. */
export function hintOf(status: Pick<StatusObject, "metadata">): string | undefined {
  const [value] = status.metadata.get(LEADER_HINT_TRAILER);
  return value === undefined ? undefined : Buffer.from(value).toString("hex");
}

/** Resolves when the server's state is of this kind. */
export async function becomes(server: TsoServer, kind: TsoServer["state"]["kind"]): Promise<void> {
  const enough = new AbortController();
  for await (const state of server.subscribe({ signal: enough.signal })) {
    if (state.kind === kind) return;
  }
  throw new Error(`the server ended before it was ${kind}`);
}
