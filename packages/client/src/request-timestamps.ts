// SPDX-License-Identifier: Apache-2.0
import { Metadata } from "@grpc/grpc-js";
import { HOT_GET_TS } from "@tsoracle/proto";
import type { Connection } from "./connection.ts";
import { STATUS } from "./rpc-failure.ts";
import { connectFailure, failureOfStatus } from "./status-failure.ts";
import { asBytes, readAnswer, type TimestampRequest } from "./timestamp-answer.ts";
import { TimestampStream } from "./timestamp-stream.ts";

/**
 * Asks one server for timestamps: on the open stream at once, else on a new stream, else, when the
 * server has none, by a unary call.
 */
export function requestTimestamps(connection: Connection, request: TimestampRequest): void {
  if (connection.stream !== undefined || connection.ready) send(connection, request);
  else void dialAndSend(connection, request);
}

async function dialAndSend(connection: Connection, request: TimestampRequest): Promise<void> {
  const failure = await connection.dial(request.deadlineAt - performance.now());
  if (failure === undefined) send(connection, request);
  else request.done({ kind: "failure", failure });
}

/** A channel that was closed in the meantime throws; nothing was sent then. */
function send(connection: Connection, request: TimestampRequest): void {
  let stream: TimestampStream | undefined;
  try {
    if (connection.streamUnsupported) {
      sendUnary(connection, request);
      return;
    }
    stream = connection.stream ?? openStream(connection);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    request.done({ kind: "failure", failure: connectFailure(connection.target, message, error) });
    return;
  }
  stream.request({
    count: request.count,
    deadlineAt: request.deadlineAt,
    done: (answer) => {
      if (answer.kind === "failure" && answer.failure.status === STATUS.UNIMPLEMENTED) {
        connection.streamUnsupported = true;
        send(connection, request);
      } else {
        request.done(answer);
      }
    },
  });
}

function openStream(connection: Connection): TimestampStream {
  const stream = new TimestampStream(connection.target, connection.client, () => {
    if (connection.stream === stream) connection.stream = undefined;
  });
  connection.stream = stream;
  return stream;
}

function sendUnary(connection: Connection, request: TimestampRequest): void {
  const { target, client } = connection;
  client.makeUnaryRequest(
    HOT_GET_TS.path,
    HOT_GET_TS.requestSerialize,
    asBytes,
    request.count,
    new Metadata(),
    { deadline: Date.now() + Math.max(0, request.deadlineAt - performance.now()) },
    (error, bytes) => {
      if (error !== null) request.done({ kind: "failure", failure: failureOfStatus(target, error) });
      else request.done(readAnswer(target, request.count, bytes ?? Buffer.alloc(0)));
    },
  );
}
