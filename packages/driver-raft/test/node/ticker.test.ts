// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ticker } from "../../src/node/ticker.ts";

const INTERVAL = 100;

/** Time that stands still until it is told to go on; one timer at a time. */
class HandClock {
  nowMs = 0;
  #timer: { readonly atMs: number; readonly run: () => void } | undefined;
  readonly #io: (() => void)[] = [];
  readonly ticks: number[] = [];
  readonly ticker = new Ticker(
    INTERVAL,
    {
      nowMs: () => this.nowMs,
      after: (ms, run) => {
        const timer = { atMs: this.nowMs + ms, run };
        this.#timer = timer;
        return () => {
          if (this.#timer === timer) this.#timer = undefined;
        };
      },
      afterIo: (run) => this.#io.push(run),
    },
    () => this.ticks.push(this.nowMs),
  );

  get armed(): boolean {
    return this.#timer !== undefined;
  }

  /** The timer fires `lateMs` after it should; less than 0 is early. */
  fire(lateMs = 0): void {
    const timer = this.#timer;
    if (timer === undefined) throw new Error("no timer is armed");
    this.#timer = undefined;
    this.nowMs = Math.max(this.nowMs, timer.atMs + lateMs);
    timer.run();
  }

  /** One turn of the event loop. */
  turn(): void {
    for (const run of this.#io.splice(0)) run();
  }
}

describe("the ticker", () => {
  it("ticks once in each interval", () => {
    const clock = new HandClock();
    for (let count = 0; count < 3; count++) clock.fire();
    expect(clock.ticks).toEqual([100, 200, 300]);
  });

  it("counts nothing when a timer fires early, and waits for the rest", () => {
    const clock = new HandClock();
    clock.fire(-0.6);
    expect(clock.ticks).toEqual([]);
    clock.fire();
    expect(clock.ticks).toHaveLength(1);
    expect(clock.ticks[0]).toBeGreaterThanOrEqual(INTERVAL);
  });

  it("Q2, Q4: never makes up for time that passed, so a promise that is counted in ticks lasts as long as it says", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 500 }), { maxLength: 40 }), (delays) => {
        const clock = new HandClock();
        for (const late of delays) {
          clock.fire(late);
          for (let turns = 0; turns < 3; turns++) clock.turn();
        }
        for (const [index, at] of clock.ticks.entries()) {
          expect(at - (clock.ticks[index - 1] ?? 0)).toBeGreaterThanOrEqual(INTERVAL);
        }
      }),
    );
  });

  it("N2: after a stall lets waiting messages be read first, and then counts one tick", () => {
    const clock = new HandClock();
    clock.fire(10 * INTERVAL);
    expect(clock.ticks).toEqual([]);
    clock.turn();
    expect(clock.ticks).toEqual([]);
    clock.turn();
    expect(clock.ticks).toHaveLength(1);
    expect(clock.ticker.stalls).toBe(1);
    clock.fire();
    expect(clock.ticks).toEqual([11 * INTERVAL, 12 * INTERVAL]);
  });

  it("counts a tick that is a little late at once, and no stall", () => {
    const clock = new HandClock();
    clock.fire(2 * INTERVAL);
    expect(clock.ticks).toEqual([3 * INTERVAL]);
    expect(clock.ticker.stalls).toBe(0);
  });

  it("is silent once stopped, also in the middle of a stall", () => {
    const clock = new HandClock();
    clock.fire(10 * INTERVAL);
    clock.ticker.stop();
    clock.turn();
    clock.turn();
    expect(clock.ticks).toEqual([]);
    expect(clock.armed).toBe(false);
  });
});
