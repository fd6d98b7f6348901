// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import type { GrpcMethod } from "@tsoracle/proto";
import { outcomeOfFailure } from "./attempt-outcome.ts";
import type { CallContext } from "./call-context.ts";
import { ClientError } from "./client-error.ts";
import type { AttemptOutcome } from "./retry-plan.ts";
import { isTransportFailure, type RpcFailure } from "./rpc-failure.ts";
import { seqOutcomeOfFailure, seqUncertain } from "./seq-outcome.ts";
import { callUnary } from "./unary-call.ts";

/** A call that only the leader answers. */
export interface LeaderCall<Request, Response, Value> {
  readonly method: GrpcMethod<Request, Response>;
  readonly request: Request;
  /** Checks the answer. Undefined when it does not answer the request. */
  readonly read: (response: Response) => { readonly value: Value; readonly epoch: Epoch } | undefined;
  /** Whether a request whose answer was lost may be sent again. */
  readonly idempotent: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Finds the leader and calls it, under the rules of `tsoracle-behaviour.md` 5.4, and of 5.5 for a
 * call that must not be repeated.
 *
 * @throws ClientError; the signal's reason when it fires before anything was sent, or during an
 * idempotent call.
 */
export async function callLeader<Request, Response, Value>(
  context: CallContext,
  call: LeaderCall<Request, Response, Value>,
): Promise<Value> {
  const signals = [context.closing.signal, ...(call.signal === undefined ? [] : [call.signal])];
  const plan = context.plan(performance.now() + context.options.retry.overallDeadlineMs);
  for (;;) {
    for (const signal of signals) if (signal.aborted) throw signal.reason;
    const step = plan.next(performance.now());
    if (step.kind === "fail") throw step.error;
    if (step.kind === "sleep") {
      await sleep(step.ms, signals);
      continue;
    }
    const connection = context.pool.get(step.target);
    const { method, request } = call;
    const reply = await callUnary(connection, { method, request, budgetMs: step.budgetMs, signals });
    const endpoint = step.target.address;
    switch (reply.kind) {
      case "reply": {
        const answer = call.read(reply.value);
        if (answer === undefined) throw broken(call, "the answer does not answer the request", endpoint, undefined);
        context.leaders.recordSuccess(step.target, answer.epoch, performance.now());
        return answer.value;
      }
      case "unreadable":
        throw broken(call, "the answer cannot be read", endpoint, reply.cause);
      case "aborted":
        if (reply.sent && !call.idempotent) {
          throw seqUncertain("the call was given up after it was sent", asClientError(reply.reason), endpoint);
        }
        throw reply.reason;
      case "failure":
        if (isTransportFailure(reply.failure)) context.pool.evict(connection);
        plan.record(outcomeOf(context, call, reply.failure));
        break;
      default:
        reply satisfies never;
    }
  }
}

function outcomeOf(context: CallContext, call: { readonly idempotent: boolean }, failure: RpcFailure): AttemptOutcome {
  const outcomeContext = context.outcome(performance.now());
  if (call.idempotent) return outcomeOfFailure(failure, outcomeContext);
  const seq = seqOutcomeOfFailure(failure, outcomeContext);
  if (seq.kind !== "retry") throw seq.error;
  return seq.outcome;
}

function broken(
  call: { readonly idempotent: boolean },
  message: string,
  endpoint: string,
  cause: unknown,
): ClientError {
  const violation = new ClientError("protocol_violation", message, { endpoint, cause });
  return call.idempotent ? violation : seqUncertain(message, violation);
}

function asClientError(reason: unknown): ClientError {
  if (reason instanceof ClientError) return reason;
  return new ClientError("closed", reason instanceof Error ? reason.message : String(reason), { cause: reason });
}

/** Ends early when a signal fires; the caller looks at the signals next. */
async function sleep(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let wake = (): void => {};
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
    timer = setTimeout(resolve, ms);
  });
  for (const signal of signals) signal.addEventListener("abort", wake, { once: true });
  await woken;
  clearTimeout(timer);
  for (const signal of signals) signal.removeEventListener("abort", wake);
}
