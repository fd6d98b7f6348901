// SPDX-License-Identifier: Apache-2.0
import type { Clock } from "@tsoracle/core";
import type { Timers } from "../../src/timers.ts";

/** A wall clock that stands where the test puts it. */
export class ManualClock implements Clock {
  ms: number;
  reads = 0;

  constructor(ms = 1_000_000) {
    this.ms = ms;
  }

  nowMs(): number {
    this.reads += 1;
    return this.ms;
  }
}

/** Timers that run when the test says so. Turns of the event loop end by hand as well. */
export class ManualTimers implements Timers {
  #now = 0;
  #due: { readonly atMs: number; readonly run: () => void }[] = [];
  #turn: (() => void)[] = [];

  after(ms: number, run: () => void): () => void {
    const entry = { atMs: this.#now + ms, run };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  }

  atTurnEnd(run: () => void): void {
    this.#turn.push(run);
  }

  monotonicMs(): number {
    return this.#now;
  }

  /** Ends the turn: runs what was put off to its end. */
  endTurn(): void {
    for (const run of this.#turn.splice(0)) run();
  }

  /** Lets time pass and runs what falls due, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    while (true) {
      const next = this.#due.filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.atMs;
      next.run();
    }
    this.#now = until;
  }
}

/** Waits for a condition over turns of the event loop; it fails after very many, with what was awaited. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`this never came: ${what}`);
}

/** Lets everything that is ready to run do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
