// SPDX-License-Identifier: Apache-2.0
import type { LeaderState } from "./leader-state.ts";

/** How a reader finds its cell and leaves it. */
export interface ReaderLinks {
  /** Called at the first `next()`: offer the current state, or finish the reader. */
  begin(reader: LeadershipReader): void;
  /** Called once when the reader is over, whatever ended it. */
  end(reader: LeadershipReader): void;
}

interface Pending {
  resolve(result: IteratorResult<LeaderState, void>): void;
  reject(error: unknown): void;
}

/**
 * One reader of a leadership cell. It is written out rather than a generator function because a
 * generator's `return()` waits behind a pending `next()`, which here may take for ever.
 *
 * The queue holds at most two items: what separates two reigns, then the newest.
 */
export class LeadershipReader implements AsyncGenerator<LeaderState, void, undefined> {
  readonly #signal: AbortSignal;
  readonly #links: ReaderLinks;
  readonly #onAbort = (): void => this.#stop();
  #phase: "idle" | "reading" | "over" = "idle";
  #queue: LeaderState[] = [];
  #pending: Pending[] = [];
  #delivered: LeaderState | undefined;
  #end: { readonly error?: unknown } | undefined;

  constructor(signal: AbortSignal, links: ReaderLinks) {
    this.#signal = signal;
    this.#links = links;
  }

  /** Takes up a new state: hands it to a waiting `next()` or keeps it as the newest. */
  offer(next: LeaderState): void {
    if (this.#phase === "over" || this.#end !== undefined) return;
    this.#enqueue(next);
    this.#pump();
  }

  /** Ends the stream after what is queued. */
  finish(end: { readonly error?: unknown }): void {
    if (this.#phase === "over" || this.#end !== undefined) return;
    this.#end = end;
    this.#pump();
  }

  next(): Promise<IteratorResult<LeaderState, void>> {
    const result = new Promise<IteratorResult<LeaderState, void>>((resolve, reject) => {
      this.#pending.push({ resolve, reject });
    });
    if (this.#phase === "idle") {
      this.#phase = "reading";
      if (this.#signal.aborted) {
        this.#stop();
      } else {
        this.#signal.addEventListener("abort", this.#onAbort, { once: true });
        this.#links.begin(this);
      }
    }
    this.#pump();
    return result;
  }

  async return(): Promise<IteratorResult<LeaderState, void>> {
    this.#stop();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<LeaderState, void>> {
    this.#stop();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Matches what is queued, and then the end, with the calls that wait. */
  #pump(): void {
    while (this.#phase === "reading" && this.#pending.length > 0) {
      const item = this.#queue.shift();
      if (item !== undefined) {
        this.#delivered = item;
        this.#pending.shift()?.resolve({ done: false, value: item });
        continue;
      }
      if (this.#end === undefined) return;
      if ("error" in this.#end) this.#pending.shift()?.reject(this.#end.error);
      this.#stop();
    }
    if (this.#phase === "over") this.#release();
  }

  #stop(): void {
    if (this.#phase !== "over") {
      this.#phase = "over";
      this.#queue = [];
      this.#signal.removeEventListener("abort", this.#onAbort);
      this.#links.end(this);
    }
    this.#release();
  }

  /** Once over, every waiting call is told so. */
  #release(): void {
    for (const { resolve } of this.#pending.splice(0)) resolve({ done: true, value: undefined });
  }

  /** Replaces what was not read yet, keeping one item between two reigns. */
  #enqueue(next: LeaderState): void {
    const separator = this.#queue.findLast((item) => item.role !== "leader");
    const delivered = this.#delivered;
    this.#queue.length = 0;
    const mustSeparate = next.role === "leader" && delivered?.role === "leader" && delivered.epoch !== next.epoch;
    if (mustSeparate) this.#queue.push(separator ?? { role: "unknown" });
    this.#queue.push(next);
  }
}
