// SPDX-License-Identifier: Apache-2.0
import { type ClientUnaryCall, Metadata } from "@grpc/grpc-js";
import type { GrpcMethod } from "@tsoracle/proto";
import type { Connection } from "./connection.ts";
import type { RpcFailure } from "./rpc-failure.ts";
import { connectFailure, failureOfStatus } from "./status-failure.ts";

/** How one unary call over one channel ended. */
export type UnaryReply<Response> =
  | { readonly kind: "reply"; readonly value: Response }
  | { readonly kind: "failure"; readonly failure: RpcFailure }
  /** The server answered with bytes that are not the message. */
  | { readonly kind: "unreadable"; readonly cause: unknown }
  /** A signal fired. When the request was sent before, the server may have acted on it. */
  | { readonly kind: "aborted"; readonly sent: boolean; readonly reason: unknown };

export interface UnaryCall<Request, Response> {
  readonly method: GrpcMethod<Request, Response>;
  readonly request: Request;
  /** For dialling and answering together. */
  readonly budgetMs: number;
  readonly signals: readonly AbortSignal[];
}

const asBytes = (bytes: Buffer): Buffer => bytes;

/** Dials if need be, calls once, and never rejects. */
export async function callUnary<Request, Response>(
  connection: Connection,
  call: UnaryCall<Request, Response>,
): Promise<UnaryReply<Response>> {
  const deadline = Date.now() + call.budgetMs;
  const failure = await unlessAborted(connection.calls.dial(call.budgetMs), call.signals);
  const aborted = call.signals.find((signal) => signal.aborted);
  if (aborted !== undefined) return { kind: "aborted", sent: false, reason: aborted.reason };
  if (failure !== undefined) return { kind: "failure", failure };
  return send(connection, call, deadline);
}

/** Who gives up does not wait for a dial, which others may be waiting for. `work` never rejects. */
function unlessAborted<T>(work: Promise<T>, signals: readonly AbortSignal[]): Promise<T | undefined> {
  return new Promise((resolve) => {
    const finish = (value: T | undefined): void => {
      for (const signal of signals) signal.removeEventListener("abort", onAbort);
      resolve(value);
    };
    const onAbort = (): void => finish(undefined);
    for (const signal of signals) signal.addEventListener("abort", onAbort, { once: true });
    void work.then(finish);
  });
}

function send<Request, Response>(
  connection: Connection,
  { method, request, signals }: UnaryCall<Request, Response>,
  deadline: number,
): Promise<UnaryReply<Response>> {
  return new Promise((resolve) => {
    let sent: ClientUnaryCall | undefined;
    const finish = (reply: UnaryReply<Response>): void => {
      for (const [signal, listener] of listeners) signal.removeEventListener("abort", listener);
      resolve(reply);
    };
    const listeners = signals.map((signal) => {
      const listener = (): void => {
        finish({ kind: "aborted", sent: true, reason: signal.reason });
        sent?.cancel();
      };
      signal.addEventListener("abort", listener, { once: true });
      return [signal, listener] as const;
    });
    try {
      sent = connection.calls.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        asBytes,
        request,
        new Metadata(),
        { deadline },
        (error, bytes) => {
          if (error === null) finish(readReply(method, bytes ?? Buffer.alloc(0)));
          else finish({ kind: "failure", failure: failureOfStatus(connection.target, error) });
        },
      );
    } catch (error) {
      // The channel was closed since it was dialled; nothing was sent.
      const message = error instanceof Error ? error.message : String(error);
      finish({ kind: "failure", failure: connectFailure(connection.target, message, error) });
    }
  });
}

function readReply<Request, Response>(method: GrpcMethod<Request, Response>, bytes: Buffer): UnaryReply<Response> {
  try {
    return { kind: "reply", value: method.responseDeserialize(bytes) };
  } catch (cause) {
    return { kind: "unreadable", cause };
  }
}
