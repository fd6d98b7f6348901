// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epoch } from "@tsoracle/core";
import type { GrpcMethod } from "@tsoracle/proto";
import type { CallContext } from "./call-context.ts";
import { ClientError } from "./client-error.ts";
import { errorOfFailure, isTransportFailure, judgeHint, type RpcFailure } from "./rpc-failure.ts";
import { callUnary } from "./unary-call.ts";

export interface SingleAttemptCall<Request, Response, Value> {
  readonly method: GrpcMethod<Request, Response>;
  readonly request: Request;
  /** Checks the answer. Undefined when it does not answer the request. */
  readonly read: (response: Response) => Value | undefined;
  /** The epoch of an answer that only the leader gives, to remember the leader by. */
  readonly leaderEpoch?: (value: Value) => Epoch;
  /** Whether a NOT_LEADER answer teaches who leads, for the call that the caller makes next. */
  readonly learnsFromHint: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Calls one server once, within the deadline of one attempt (`tsoracle-behaviour.md` 5.6); which one
 * is the route's decision.
 *
 * @throws ClientError, or the signal's reason.
 */
export async function callOnce<Request, Response, Value>(
  context: CallContext,
  call: SingleAttemptCall<Request, Response, Value>,
): Promise<Value> {
  const signals = [context.closing.signal, ...(call.signal === undefined ? [] : [call.signal])];
  for (const signal of signals) if (signal.aborted) throw signal.reason;
  const target = context.route.next(context.leaders.fresh(performance.now())?.target);
  if (target === undefined) throw new ClientError("no_reachable_endpoints", "there is no server to ask");
  const connection = context.pool.get(target);
  const { method, request } = call;
  const budgetMs = context.options.retry.perAttemptDeadlineMs;
  const reply = await callUnary(connection, { method, request, budgetMs, signals });
  const endpoint = target.address;
  switch (reply.kind) {
    case "reply": {
      const value = call.read(reply.value);
      if (value === undefined) {
        throw new ClientError("protocol_violation", "the answer does not answer the request", { endpoint });
      }
      context.route.trust(target);
      if (call.leaderEpoch !== undefined) {
        context.leaders.recordSuccess(target, call.leaderEpoch(value), performance.now());
      }
      return value;
    }
    case "unreadable":
      throw new ClientError("protocol_violation", "the answer cannot be read", { endpoint, cause: reply.cause });
    case "aborted":
      throw reply.reason;
    case "failure":
      if (isTransportFailure(reply.failure)) {
        context.pool.evict(connection);
        context.route.avoid(target);
      }
      if (call.learnsFromHint) learn(context, reply.failure);
      throw errorOfFailure(reply.failure);
    default:
      return reply satisfies never;
  }
}

function learn(context: CallContext, failure: RpcFailure): void {
  const hint = judgeHint(failure, context.options.tls !== undefined);
  if (hint === undefined) return;
  context.metrics.count("tsoracle.client.not_leader.total");
  if (hint.kind === "refused" && hint.malformed) {
    context.metrics.count("tsoracle.client.leader_hint.decode_failures.total");
  }
  if (hint.kind === "named" && hint.target.key !== failure.target.key) {
    const named = hint.epoch === undefined ? undefined : epoch(hint.epoch);
    if (context.leaders.offerHint(hint.target, named, performance.now())) {
      context.route.trust(hint.target);
      return;
    }
    context.metrics.count("tsoracle.client.leader_hint.stale.total");
  }
  context.route.avoid(failure.target);
}
