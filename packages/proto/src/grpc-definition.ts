// SPDX-License-Identifier: Apache-2.0
import { TsoStreamServiceDefinition } from "./gen/tsoracle/stream/v1/stream.ts";
import { TsoServiceDefinition } from "./gen/tsoracle/v1/tso.ts";
import {
  decodeGetTsRequest,
  decodeGetTsResponse,
  encodeGetTsRequest,
  encodeGetTsResponse,
  type GetTsFields,
} from "./get-ts-codec.ts";

/** What ts-proto generates for a message, as far as a transport needs it. */
export interface MessageCodec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** What ts-proto generates for a service. */
export interface GeneratedService {
  readonly fullName: string;
  readonly methods: Readonly<
    Record<
      string,
      {
        readonly name: string;
        // biome-ignore lint/suspicious/noExplicitAny: a codec both takes and gives its message, so no other type fits all.
        readonly requestType: MessageCodec<any>;
        readonly requestStream: boolean;
        // biome-ignore lint/suspicious/noExplicitAny: as above.
        readonly responseType: MessageCodec<any>;
        readonly responseStream: boolean;
      }
    >
  >;
}

/** One method in the form that @grpc/grpc-js takes for clients and servers. */
export interface GrpcMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly originalName: string;
  requestSerialize(message: Request): Buffer;
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(message: Response): Buffer;
  responseDeserialize(bytes: Buffer): Response;
}

type MessageOf<Codec> = Codec extends MessageCodec<infer Message> ? Message : never;

/** A whole service for `new grpc.Server().addService(...)`, by method name. */
export type GrpcService<Service extends GeneratedService> = {
  readonly [Method in keyof Service["methods"]]: GrpcMethod<
    MessageOf<Service["methods"][Method]["requestType"]>,
    MessageOf<Service["methods"][Method]["responseType"]>
  >;
};

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Turns a generated definition, which nice-grpc takes as it is, into one for @grpc/grpc-js. */
export function grpcService<Service extends GeneratedService>(service: Service): GrpcService<Service> {
  const methods: Record<string, GrpcMethod<unknown, unknown>> = {};
  for (const [key, method] of Object.entries(service.methods)) {
    methods[key] = {
      path: `/${service.fullName}/${method.name}`,
      requestStream: method.requestStream,
      responseStream: method.responseStream,
      originalName: key,
      requestSerialize: (message) => toBuffer(method.requestType.encode(message).finish()),
      requestDeserialize: (bytes) => method.requestType.decode(bytes),
      responseSerialize: (message) => toBuffer(method.responseType.encode(message).finish()),
      responseDeserialize: (bytes) => method.responseType.decode(bytes),
    };
  }
  return methods as GrpcService<Service>;
}

const hotCodec = {
  requestSerialize: encodeGetTsRequest,
  requestDeserialize: decodeGetTsRequest,
  responseSerialize: encodeGetTsResponse,
  responseDeserialize: decodeGetTsResponse,
};

/** Unary GetTs with the hand-written codec: a request is its count, an answer its fields. */
export const HOT_GET_TS: GrpcMethod<number, GetTsFields> = {
  ...grpcService(TsoServiceDefinition).getTs,
  ...hotCodec,
};

/** The GetTs stream with the hand-written codec. */
export const HOT_STREAM: GrpcMethod<number, GetTsFields> = {
  ...grpcService(TsoStreamServiceDefinition).stream,
  ...hotCodec,
};
