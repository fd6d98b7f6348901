// SPDX-License-Identifier: Apache-2.0
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  type status,
} from "@grpc/grpc-js";
import type { WindowGrant } from "@tsoracle/core";
import { type GetTsFields, LEADER_HINT_TRAILER } from "@tsoracle/proto";
import { messageOf } from "./finish.ts";
import type { GrantDesk } from "./grant-desk.ts";
import { GrantStream, type StreamSurroundings } from "./grant-stream.ts";
import type { Logger } from "./logger.ts";
import { Code, RpcError } from "./status.ts";

/** A refusal as grpc-js sends it. Everything that is not one is a defect: it is logged, and not shown. */
export function toServiceError(error: unknown, logger: Logger): ServiceError {
  if (!(error instanceof RpcError)) {
    logger.error({ error: messageOf(error) }, "a call failed unexpectedly");
    return toServiceError(new RpcError(Code.INTERNAL, "internal error"), logger);
  }
  const metadata = new Metadata();
  if (error.leaderHint !== undefined) metadata.set(LEADER_HINT_TRAILER, Buffer.from(error.leaderHint));
  return Object.assign(new Error(error.message), { code: error.code as status, details: error.message, metadata });
}

/** A unary call whose answer takes time or may be refused. */
export function unary<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
  logger: Logger,
): handleUnaryCall<Request, Response> {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    void (async () => handle(call.request))().then(
      (response) => callback(null, response),
      (error: unknown) => callback(toServiceError(error, logger)),
    );
  };
}

/** A unary request. grpc-js takes a request that is falsy, as a bare zero is, for one that never came. */
export interface CountOnly {
  readonly count: number;
}

/** Unary GetTs, straight from the desk: no promise on the way. */
export function unaryGrant(desk: GrantDesk, logger: Logger): handleUnaryCall<CountOnly, GetTsFields> {
  return (call, callback) => {
    const { count } = call.request;
    if (count === 0) {
      callback(toServiceError(new RpcError(Code.INVALID_ARGUMENT, "count must be >= 1"), logger));
      return;
    }
    desk.submit(count, {
      granted: (grant: WindowGrant) => callback(null, grant),
      refused: (error: RpcError) => callback(toServiceError(error, logger)),
      get abandoned() {
        return call.cancelled;
      },
    });
  };
}

/** The GetTs stream. grpc-js reads as fast as the stream is resumed and tells when the client lags. */
export function grantStream(
  surroundings: StreamSurroundings,
  logger: Logger,
): handleBidiStreamingCall<number, GetTsFields> {
  return (call: ServerDuplexStream<number, GetTsFields>): void => {
    const stream = new GrantStream(
      {
        write: (grant) => call.write(grant),
        finish: (error) => {
          if (error === undefined) call.end();
          else call.emit("error", toServiceError(error, logger));
          // What still comes in is read and dropped, so that the end of the stream gets through.
          call.resume();
        },
        pauseReading: () => void call.pause(),
        resumeReading: () => void call.resume(),
      },
      surroundings,
    );
    call.on("data", (count: number) => stream.request(count));
    call.on("end", () => stream.requestsEnded());
    call.on("drain", () => stream.drained());
    call.on("cancelled", () => stream.cancelled());
    call.on("close", () => stream.cancelled());
  };
}

/** A call that answers one request with a series. The series is told when the client is gone. */
export function serverStream<Request, Response>(
  serve: (request: Request, signal: AbortSignal) => AsyncIterable<Response>,
  logger: Logger,
): handleServerStreamingCall<Request, Response> {
  return (call) => void pump(call, (signal) => serve(call.request, signal), logger);
}

/** A call that answers a series with a series, one for one. */
export function bidiStream<Request, Response>(
  serve: (requests: AsyncIterable<Request>) => AsyncIterable<Response>,
  logger: Logger,
): handleBidiStreamingCall<Request, Response> {
  // Reading to the end must not destroy the call: its answers are still to be sent.
  return (call) => void pump(call, () => serve(call.iterator({ destroyOnReturn: false })), logger);
}

/** The sending side of a streaming call. */
interface Outlet<Response> {
  write(response: Response): boolean;
  end(): unknown;
  emit(event: "error", error: ServiceError): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** Sends a series no faster than the client takes it. */
async function pump<Response>(
  call: Outlet<Response>,
  serve: (signal: AbortSignal) => AsyncIterable<Response>,
  logger: Logger,
): Promise<void> {
  const gone = new AbortController();
  call.once("cancelled", () => gone.abort());
  call.once("close", () => gone.abort());
  try {
    for await (const response of serve(gone.signal)) {
      if (gone.signal.aborted) return;
      if (!call.write(response)) await drained(call, gone.signal);
    }
    call.end();
  } catch (error) {
    if (!gone.signal.aborted) call.emit("error", toServiceError(error, logger));
  }
}

function drained(call: Outlet<unknown>, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      gone.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    gone.addEventListener("abort", done);
  });
}
