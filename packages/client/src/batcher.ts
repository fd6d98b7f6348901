// SPDX-License-Identifier: Apache-2.0
import { invariant, MAX_TIMESTAMPS_PER_RPC } from "@tsoracle/core";
import type { Chunk, Waiter } from "./waiter.ts";

/**
 * Most callers that share one request. They are answered in one synchronous loop, which this keeps
 * to about a millisecond; those behind them go with the next request.
 */
export const MAX_WAITERS_PER_REQUEST = 4_096;

/** Abandoned waiters that may stay in the queue before it is cleaned. */
const MAX_ABANDONED = 1_024;

/**
 * The callers whose request has not been sent yet, in order. Pure: who calls it decides when.
 *
 * Freshness holds by construction (`tsoracle-behaviour.md` 5.2): timestamps reach this client only
 * as the answer to a request, and a request is made of waiters that are already here.
 */
export class Batcher {
  #queue: Waiter[] = [];
  #abandoned = 0;

  /** Callers that wait here and have not given up. */
  get size(): number {
    return this.#queue.length - this.#abandoned;
  }

  push(waiter: Waiter): void {
    waiter.queued = true;
    this.#queue.push(waiter);
  }

  /** A waiter in the queue has given up. It must be settled already. */
  abandon(waiter: Waiter): void {
    if (!waiter.queued) return;
    waiter.queued = false;
    this.#abandoned += 1;
    if (this.#abandoned > MAX_ABANDONED && this.#abandoned * 2 > this.#queue.length) this.#clean();
  }

  /** Puts waiters whose request ran out of time back in front of those that entered later. */
  putBack(waiters: readonly Waiter[]): void {
    const waiting = waiters.filter((waiter) => !waiter.settled);
    for (const waiter of waiting) waiter.queued = true;
    this.#queue = [...waiting, ...this.#queue];
  }

  /** The longest prefix that one request can carry, or undefined when nobody waits. */
  take(): Chunk | undefined {
    if (this.#abandoned > 0) this.#clean();
    const queue = this.#queue;
    if (queue.length === 0) return undefined;
    let count = 0;
    let length = 0;
    const limit = Math.min(queue.length, MAX_WAITERS_PER_REQUEST);
    while (length < limit) {
      const waiter = queue[length] as Waiter;
      if (count + waiter.count > MAX_TIMESTAMPS_PER_RPC) break;
      waiter.queued = false;
      count += waiter.count;
      length += 1;
    }
    invariant(length > 0, "a waiter that fits no request was refused when it entered");
    if (length === queue.length) {
      this.#queue = [];
      return { waiters: queue, count };
    }
    return { waiters: queue.splice(0, length), count };
  }

  /** Empties the queue. */
  drain(): readonly Waiter[] {
    const waiters = this.#queue;
    this.#queue = [];
    this.#abandoned = 0;
    return waiters;
  }

  #clean(): void {
    this.#queue = this.#queue.filter((waiter) => !waiter.settled);
    this.#abandoned = 0;
  }
}
