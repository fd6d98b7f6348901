// SPDX-License-Identifier: Apache-2.0
import { EpochGuard } from "@tsoracle/core";
import { epochOf, type LeaderState, sameLeaderState } from "./leader-state.ts";
import { LeadershipReader } from "./leadership-reader.ts";

/**
 * The one owner of a driver's leadership state: a latest-value cell with any number of readers.
 *
 * Reading starts with the current state, by construction. A reader that is slow sees the newest
 * state and not every step to it, except that two reigns are never merged: between leader items of
 * different epochs there is always another item.
 */
export class LeadershipCell {
  readonly #readers = new Set<LeadershipReader>();
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
   * Publishes a change; an item that says the same is dropped, and so is everything after the end.
   *
   * @throws CoreError `leader_epoch_regressed` when the epoch is below an earlier one. The cell is then
   * closed with that error: a driver that lost its place in history must not stay leader in any reader's eyes.
   */
  set(next: LeaderState): void {
    if (this.#end !== undefined || sameLeaderState(this.#current, next)) return;
    try {
      this.#guard.observe(epochOf(next));
    } catch (error) {
      this.close(error);
      throw error;
    }
    this.#current = next;
    for (const reader of this.#readers) reader.offer(next);
  }

  /**
   * Ends every stream, now and later; with an error, streams throw it. The first end counts. Readers
   * still receive what they had not read; one that starts later receives nothing but the end.
   */
  close(error?: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    for (const reader of this.#readers) reader.finish(this.#end);
    this.#readers.clear();
  }

  /**
   * The current state, then every change, until the signal aborts or the cell is closed. Reading begins
   * at the first `next()`; `return()` and an abort end it at once, also while a `next()` is pending.
   */
  read(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState, void, undefined> {
    return new LeadershipReader(options.signal, {
      begin: (reader) => {
        if (this.#end !== undefined) return reader.finish(this.#end);
        this.#readers.add(reader);
        reader.offer(this.#current);
      },
      end: (reader) => {
        this.#readers.delete(reader);
      },
    });
  }
}
