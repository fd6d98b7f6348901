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
  if (connection.streamUnsupported) {
    if (connection.calls.ready) sendUnary(connection, request);
    else void dialAndSend(connection, request);
  } else if (connection.stream !== undefined || connection.session !== undefined) {
    sendOnStream(connection, request);
  } else {
    void dialAndSend(connection, request);
  }
}

async function dialAndSend(connection: Connection, request: TimestampRequest): Promise<void> {
  const budgetMs = request.deadlineAt - performance.now();
  const unary = connection.streamUnsupported;
  const failure = await (unary ? connection.calls.dial(budgetMs) : connection.dialSession(budgetMs));
  if (failure !== undefined) request.done({ kind: "failure", failure });
  else if (unary) sendUnary(connection, request);
  else sendOnStream(connection, request);
}

function sendOnStream(connection: Connection, request: TimestampRequest): void {
  let stream: TimestampStream;
  try {
    stream = connection.stream ?? openStream(connection);
  } catch (error) {
    refuse(connection, request, error);
    return;
  }
  stream.request({
    count: request.count,
    deadlineAt: request.deadlineAt,
    done: (answer) => {
      if (answer.kind === "failure" && answer.failure.status === STATUS.UNIMPLEMENTED) {
        connection.streamUnsupported = true;
        requestTimestamps(connection, request);
      } else {
        request.done(answer);
      }
    },
  });
}

/** What was closed in the meantime throws; nothing was sent then. */
function refuse(connection: Connection, request: TimestampRequest, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  request.done({ kind: "failure", failure: connectFailure(connection.target, message, error) });
}

/** @throws Error when the session is gone. */
function openStream(connection: Connection): TimestampStream {
  const { session } = connection;
  if (session === undefined) throw new Error("the connection was lost");
  const stream = new TimestampStream(connection.target, session, () => {
    if (connection.stream === stream) connection.stream = undefined;
  });
  connection.stream = stream;
  return stream;
}

function sendUnary(connection: Connection, request: TimestampRequest): void {
  const { target, calls } = connection;
  try {
    calls.client.makeUnaryRequest(
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
  } catch (error) {
    refuse(connection, request, error);
  }
}
