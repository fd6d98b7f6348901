// SPDX-License-Identifier: Apache-2.0
import { MAX_TIMESTAMPS_PER_RPC, type Timestamp, type WindowGrant } from "@tsoracle/core";
import { outcomeOfFailure } from "./attempt-outcome.ts";
import { Batcher } from "./batcher.ts";
import type { CallContext } from "./call-context.ts";
import { ClientError, overloaded } from "./client-error.ts";
import type { Connection } from "./connection.ts";
import { HighMark, type Mark, regressionOf } from "./high-mark.ts";
import { requestTimestamps } from "./request-timestamps.ts";
import type { RetryPlan } from "./retry-plan.ts";
import { isTransportFailure } from "./rpc-failure.ts";
import type { Target } from "./target.ts";
import type { TimestampAnswer } from "./timestamp-answer.ts";
import type { TimestampRange } from "./timestamp-range.ts";
import { type Chunk, deliver, rangeWaiter, rejectAll, singleWaiter, type Waiter } from "./waiter.ts";

interface Flight {
  readonly chunk: Chunk;
  readonly plan: RetryPlan;
  readonly deadlineAt: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Merges the callers of one event-loop turn into one request and hands the answer out among them.
 *
 * A turn is one callback of the event loop with all its microtasks: `process.nextTick` runs when
 * they are through. Everybody who was answered by one response and calls again is in it. Waiting for
 * the whole loop (`setImmediate`) would merge little more, because callers queue up behind a request
 * under way anyway, and would cost a lone caller another round of the loop. There is no timer.
 */
export class TimestampEngine {
  readonly #context: CallContext;
  readonly #batcher = new Batcher();
  readonly #highMark = new HighMark();
  readonly #flights = new Set<Flight>();
  /** Start of this event-loop turn, while somebody has called in it. */
  #turnStartedAt: number | undefined;
  #closed: ClientError | undefined;
  readonly #onTurnEnd = (): void => {
    this.#turnStartedAt = undefined;
    this.#pump();
  };

  constructor(context: CallContext) {
    this.#context = context;
  }

  /** The promise itself, without an async function around it: that would cost a fifth of the throughput. */
  one(signal: AbortSignal | undefined): Promise<Timestamp> {
    const refusal = this.#refusal(signal);
    if (refusal !== undefined) return Promise.reject(refusal.reason);
    return new Promise<Timestamp>((resolve, reject) => {
      this.#enter(singleWaiter(this.#now(), resolve, reject), signal);
    });
  }

  range(count: number, signal: AbortSignal | undefined): Promise<TimestampRange> {
    if (!Number.isInteger(count) || count < 1 || count > MAX_TIMESTAMPS_PER_RPC) {
      const message = `expected a count as an integer from 1 to ${MAX_TIMESTAMPS_PER_RPC}, got ${String(count)}`;
      return Promise.reject(new ClientError("invalid_count", message));
    }
    const refusal = this.#refusal(signal);
    if (refusal !== undefined) return Promise.reject(refusal.reason);
    return new Promise<TimestampRange>((resolve, reject) => {
      this.#enter(rangeWaiter(this.#now(), count, resolve, reject), signal);
    });
  }

  /** Rejects everybody who waits, and everybody who will. */
  close(error: ClientError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    for (const flight of this.#flights) {
      clearTimeout(flight.timer);
      rejectAll(flight.chunk.waiters, error);
    }
    this.#flights.clear();
    rejectAll(this.#batcher.drain(), error);
  }

  #refusal(signal: AbortSignal | undefined): { readonly reason: unknown } | undefined {
    if (this.#closed !== undefined) return { reason: this.#closed };
    if (signal?.aborted === true) return { reason: signal.reason };
    const { maxQueuedCalls } = this.#context.options;
    return this.#batcher.size < maxQueuedCalls ? undefined : { reason: overloaded(maxQueuedCalls) };
  }

  /** One clock reading serves all calls of a turn. */
  #now(): number {
    if (this.#turnStartedAt === undefined) {
      this.#turnStartedAt = performance.now();
      process.nextTick(this.#onTurnEnd);
    }
    return this.#turnStartedAt;
  }

  #enter(waiter: Waiter, signal: AbortSignal | undefined): void {
    this.#batcher.push(waiter);
    if (signal === undefined) return;
    const onAbort = (): void => {
      if (waiter.settled) return;
      waiter.settled = true;
      this.#batcher.abandon(waiter);
      this.#context.metrics.count("tsoracle.client.driver.abandoned_waiters.total");
      waiter.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    waiter.release = () => signal.removeEventListener("abort", onAbort);
  }

  /** Sends what waits, as far as the pipeline has room. */
  #pump(): void {
    const { options, metrics } = this.#context;
    while (this.#flights.size < options.pipelining && this.#closed === undefined) {
      const chunk = this.#batcher.take();
      if (chunk === undefined) break;
      const deadlineAt = (chunk.waiters[0]?.enteredAt ?? performance.now()) + options.retry.overallDeadlineMs;
      const flight: Flight = { chunk, plan: this.#context.plan(deadlineAt), deadlineAt, timer: undefined };
      this.#flights.add(flight);
      this.#step(flight);
    }
    metrics.gauge("tsoracle.client.driver.queue_depth", this.#batcher.size);
    metrics.gauge("tsoracle.client.driver.in_flight", this.#flights.size);
  }

  /** The next request goes out when this turn ends, so that callers answered in it can join. */
  #pumpLater(): void {
    if (this.#batcher.size > 0) this.#now();
  }

  #step(flight: Flight): void {
    if (!this.#flights.has(flight)) return;
    const now = performance.now();
    const step = flight.plan.next(now);
    switch (step.kind) {
      case "attempt":
        this.#attempt(flight, step.target, now + step.budgetMs);
        return;
      case "sleep":
        flight.timer = setTimeout(() => this.#step(flight), step.ms);
        return;
      case "fail":
        this.#land(flight);
        if (step.expired) this.#expire(flight, step.error);
        else rejectAll(flight.chunk.waiters, step.error);
        this.#pumpLater();
        return;
      default:
        step satisfies never;
    }
  }

  #attempt(flight: Flight, target: Target, deadlineAt: number): void {
    const connection = this.#context.pool.get(target);
    const sentAt = this.#highMark.current;
    const done = (answer: TimestampAnswer): void => {
      if (!this.#flights.has(flight)) return;
      switch (answer.kind) {
        case "answer":
          this.#answered(flight, connection, sentAt, answer.grant);
          return;
        case "violation":
          this.#violated(flight, answer.error);
          return;
        case "failure":
          if (isTransportFailure(answer.failure)) this.#context.pool.evict(connection);
          flight.plan.record(outcomeOfFailure(answer.failure, this.#context.outcome(performance.now())));
          this.#step(flight);
          return;
        default:
          answer satisfies never;
      }
    };
    requestTimestamps(connection, { count: flight.chunk.count, deadlineAt, done });
  }

  #answered(flight: Flight, connection: Connection, sentAt: Mark, grant: WindowGrant): void {
    const { target } = connection;
    const regression = regressionOf(grant, sentAt, target.address);
    if (regression !== undefined) {
      this.#violated(flight, regression);
      connection.stream?.cancel("an earlier answer on the stream broke the oracle's promise");
      return;
    }
    this.#highMark.raise(grant);
    this.#context.leaders.recordSuccess(target, grant.epoch, performance.now());
    this.#land(flight);
    deliver(flight.chunk, grant);
    this.#pumpLater();
  }

  /** Fails closed: no other server is asked, and nobody gets a part of the answer. */
  #violated(flight: Flight, error: ClientError): void {
    this.#land(flight);
    rejectAll(flight.chunk.waiters, error);
    this.#pumpLater();
  }

  /** Time ran out for the oldest caller of the request. Those that have time left go with the next one. */
  #expire(flight: Flight, cause: ClientError): void {
    const { overallDeadlineMs } = this.#context.options.retry;
    const now = performance.now();
    const isLate = (waiter: Waiter): boolean => waiter.enteredAt + overallDeadlineMs <= now;
    rejectAll(flight.chunk.waiters.filter(isLate), cause);
    this.#batcher.putBack(flight.chunk.waiters.filter((waiter) => !isLate(waiter)));
  }

  #land(flight: Flight): void {
    clearTimeout(flight.timer);
    this.#flights.delete(flight);
  }
}
