// SPDX-License-Identifier: Apache-2.0
import { type ClientHttp2Stream, constants } from "node:http2";
import { FramingError, MessageReader } from "./grpc-framing.ts";
import { STATUS } from "./rpc-failure.ts";
import { type StreamHeaders, type StreamStatus, statusOfHeaders, statusOfResponse } from "./stream-status.ts";

/** What a stream delivers. Nothing comes after `ended`, which comes once. */
export interface MessageSink {
  message(bytes: Buffer): void;
  ended(status: StreamStatus): void;
}

/** One gRPC stream in both directions over one HTTP/2 stream. */
export class MessageStream {
  readonly #stream: ClientHttp2Stream;
  readonly #sink: MessageSink;
  readonly #reader = new MessageReader();
  readonly #onMessage = (message: Buffer): void => {
    if (!this.#ended) this.#sink.message(message);
  };
  #announced: StreamStatus | undefined;
  #ended = false;

  constructor(stream: ClientHttp2Stream, sink: MessageSink) {
    this.#stream = stream;
    this.#sink = sink;
    stream.on("response", (headers: StreamHeaders) => this.#onResponse(headers));
    stream.on("trailers", (headers: StreamHeaders) => {
      this.#announced = statusOfHeaders(headers);
    });
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#end(this.#announced ?? lost("the server ended the stream without a status")));
    stream.on("error", (error: Error) => this.#end(this.#announced ?? lost(error.message)));
    stream.on("close", () => this.#end(this.#announced ?? lost("the connection was lost")));
  }

  /** Sends bytes that {@link frameMessage} made; they must not change afterwards. */
  write(framed: Buffer): void {
    this.#stream.write(framed);
  }

  /** Ends the stream here and at the server; the sink is not told. Idempotent. */
  cancel(): void {
    this.#ended = true;
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #onResponse(headers: StreamHeaders): void {
    this.#announced = statusOfResponse(headers);
    // A response that is no gRPC stream may have a body of any length; nobody reads it.
    if (this.#announced !== undefined) this.#end(this.#announced);
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#reader.read(chunk, this.#onMessage);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.#end({ status: STATUS.INTERNAL, message: error.message, hint: undefined });
    }
  }

  #end(status: StreamStatus): void {
    if (this.#ended) return;
    this.cancel();
    // A server has no reason to end this stream well: whoever still waits was not answered.
    this.#sink.ended(status.status === STATUS.OK ? lost("the server ended the stream") : status);
  }
}

function lost(message: string): StreamStatus {
  return { status: STATUS.UNAVAILABLE, message, hint: undefined };
}
