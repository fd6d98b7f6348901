// SPDX-License-Identifier: Apache-2.0
import { EpochGuard } from "@tsoracle/core";
import { epochOf, type LeaderState, sameLeaderState } from "./leader-state.ts";

interface Subscriber {
  /** At most two items: what separates two reigns, then the newest. */
  readonly queue: LeaderState[];
  delivered: LeaderState | undefined;
  wake: (() => void) | undefined;
}

/**
 * The one owner of a driver's leadership state: a latest-value cell with any number of readers.
 *
 * Reading starts with the current state, by construction. A reader that is slow sees the newest
 * state and not every step to it, except that two reigns are never merged: between leader items of
 * different epochs there is always another item.
 */
export class LeadershipCell {
  readonly #subscribers = new Set<Subscriber>();
  readonly #guard = new EpochGuard();
  #current: LeaderState;
  #end: { readonly error?: unknown } | undefined;

  constructor(initial: LeaderState = { role: "unknown" }) {
    this.#guard.observe(epochOf(initial));
    this.#current = initial;
  }

  get current(): LeaderState {
    return this.#current;
  }

  /**
   * Publishes a change; an item that says the same is dropped.
   *
   * @throws CoreError `leader_epoch_regressed` when the epoch is below an earlier one.
   */
  set(next: LeaderState): void {
    if (this.#end !== undefined || sameLeaderState(this.#current, next)) return;
    this.#guard.observe(epochOf(next));
    this.#current = next;
    for (const subscriber of this.#subscribers) {
      enqueue(subscriber, next);
      subscriber.wake?.();
    }
  }

  /** Ends every stream, now and later; with an error, streams throw it. The first end counts. */
  close(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    for (const subscriber of this.#subscribers) subscriber.wake?.();
  }

  /** The current state, then every change, until the signal aborts or the cell is closed. */
  async *read(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState, void, undefined> {
    const { signal } = options;
    const subscriber: Subscriber = { queue: [this.#current], delivered: undefined, wake: undefined };
    const onAbort = (): void => subscriber.wake?.();
    this.#subscribers.add(subscriber);
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const item = subscriber.queue.shift();
        if (item !== undefined) {
          subscriber.delivered = item;
          yield item;
        } else if (this.#end === undefined) {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve;
          });
          subscriber.wake = undefined;
        } else if ("error" in this.#end) {
          throw this.#end.error;
        } else {
          return;
        }
      }
    } finally {
      this.#subscribers.delete(subscriber);
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** Replaces what was not read yet, keeping one item between two reigns. */
function enqueue(subscriber: Subscriber, next: LeaderState): void {
  const { queue, delivered } = subscriber;
  const separator = queue.findLast((item) => item.role !== "leader");
  queue.length = 0;
  const mustSeparate = next.role === "leader" && delivered?.role === "leader" && delivered.epoch !== next.epoch;
  if (mustSeparate) queue.push(separator ?? { role: "unknown" });
  queue.push(next);
}
