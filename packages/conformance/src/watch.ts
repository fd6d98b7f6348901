// SPDX-License-Identifier: Apache-2.0
import { AssertionError } from "node:assert/strict";
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";

/** How a stream ended. */
export type StreamEnd = { readonly how: "done" } | { readonly how: "threw"; readonly error: unknown };

/** Collects one leadership stream and waits for things to show up in it. */
export class Watch {
  /** Everything seen so far. */
  readonly items: LeaderState[] = [];
  /** Resolves when the stream has ended, however it ended. */
  readonly ended: Promise<StreamEnd>;
  readonly #stop = new AbortController();
  readonly #trialSignal: AbortSignal;
  #wake: (() => void)[] = [];
  #end: StreamEnd | undefined;

  constructor(driver: ConsensusDriver, trialSignal: AbortSignal) {
    this.#trialSignal = trialSignal;
    this.ended = this.#read(driver);
  }

  get last(): LeaderState | undefined {
    return this.items.at(-1);
  }

  /** Aborts the stream's signal. */
  stop(): void {
    this.#stop.abort();
  }

  /** The first item at or after index `from` that satisfies `wanted`; rejects if the stream ends before. */
  async until<T extends LeaderState>(wanted: (item: LeaderState) => item is T, from?: number): Promise<T>;
  async until(wanted: (item: LeaderState) => boolean, from?: number): Promise<LeaderState>;
  async until(wanted: (item: LeaderState) => boolean, from = 0): Promise<LeaderState> {
    for (;;) {
      const found = this.items.slice(from).find(wanted);
      if (found !== undefined) return found;
      if (this.#end !== undefined) {
        const cause = this.#end.how === "threw" ? this.#end.error : undefined;
        const why = cause === undefined ? "" : `: ${String(cause)}`;
        throw new AssertionError({
          message: `the leadership stream ended before it showed what the clause waits for${why}`,
        });
      }
      await this.#change();
    }
  }

  async #read(driver: ConsensusDriver): Promise<StreamEnd> {
    try {
      for await (const item of driver.leadershipEvents({ signal: this.#stop.signal })) {
        this.items.push(item);
        this.#notify();
      }
      this.#end = { how: "done" };
    } catch (error) {
      this.#end = { how: "threw", error };
    }
    this.#notify();
    return this.#end;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }

  #change(): Promise<void> {
    this.#trialSignal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(this.#trialSignal.reason);
      this.#trialSignal.addEventListener("abort", onAbort, { once: true });
      this.#wake.push(() => {
        this.#trialSignal.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }
}

export function isLeader(item: LeaderState): item is LeaderState & { role: "leader" } {
  return item.role === "leader";
}
