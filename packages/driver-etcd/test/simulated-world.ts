// SPDX-License-Identifier: Apache-2.0
import { LeaseClock } from "@tsoracle/consensus";
import type { After } from "../src/timers.ts";

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** True time, and everything that will happen in it. */
export class World {
  readonly random: () => number;
  nowMs = 0;
  #queue: Due[] = [];
  #scheduled = 0;

  constructor(random: () => number) {
    this.random = random;
  }

  in(delayMs: number, action: () => void): () => void {
    this.#scheduled += 1;
    const due = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#scheduled, action };
    this.#queue.push(due);
    return () => {
      this.#queue = this.#queue.filter((each) => each !== due);
    };
  }

  /** Lets the next thing happen, and all that follows from it at once. */
  async step(): Promise<void> {
    const next = this.#queue.reduce((a, b) => (b.atMs < a.atMs || (b.atMs === a.atMs && b.order < a.order) ? b : a));
    this.#queue = this.#queue.filter((each) => each !== next);
    this.nowMs = next.atMs;
    next.action();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The clocks and timers of one machine: they run at a rate of their own, and timers stand still while it is paused. */
export class Machine {
  readonly clock: LeaseClock;
  readonly after: After;
  #pausedUntilMs = 0;
  readonly #world: World;

  constructor(world: World, rate: number) {
    this.#world = world;
    const localMs = (): number => 1_000_000 + world.nowMs * rate;
    this.clock = new LeaseClock({
      monotonicNs: () => BigInt(Math.round(localMs() * 1e6)),
      bootMs: localMs,
      wallMs: localMs,
    });
    this.after = (delayMs, action) => {
      let cancel = (): void => {};
      const run = (): void => {
        const pauseMs = this.#pausedUntilMs - world.nowMs;
        if (pauseMs > 0) cancel = world.in(pauseMs, run);
        else action();
      };
      cancel = world.in(delayMs / rate, run);
      return () => cancel();
    };
  }

  get isPaused(): boolean {
    return this.#pausedUntilMs > this.#world.nowMs;
  }

  /** Stops its timers for so long. Its clocks run on. */
  pause(ms: number): void {
    this.#pausedUntilMs = this.#world.nowMs + ms;
  }
}
