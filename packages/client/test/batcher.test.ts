// SPDX-License-Identifier: Apache-2.0
import { epoch, MAX_TIMESTAMPS_PER_RPC, type Timestamp, WindowGrant } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batcher, MAX_WAITERS_PER_REQUEST } from "../src/batcher.ts";
import { TimestampRange } from "../src/timestamp-range.ts";
import { deliver, rangeWaiter, rejectAll, singleWaiter, type Waiter } from "../src/waiter.ts";

const nothing = (): void => {};
const waiting = (count = 1): Waiter => rangeWaiter(0, count, nothing, nothing);

function leave(batcher: Batcher, waiter: Waiter): void {
  waiter.settled = true;
  batcher.abandon(waiter);
}

describe("batcher", () => {
  it("cuts the queue into requests that fit, in order, losing nobody and doubling nobody", () => {
    const count = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: MAX_TIMESTAMPS_PER_RPC }));
    fc.assert(
      fc.property(fc.array(fc.record({ count, leaves: fc.boolean() }), { maxLength: 60 }), (specs) => {
        const batcher = new Batcher();
        const waiters = specs.map((spec) => waiting(spec.count));
        for (const waiter of waiters) batcher.push(waiter);
        specs.forEach((spec, index) => {
          if (spec.leaves) leave(batcher, waiters[index] as Waiter);
        });
        const staying = waiters.filter((waiter) => !waiter.settled);
        expect(batcher.size).toBe(staying.length);
        const taken: Waiter[] = [];
        for (let chunk = batcher.take(); chunk !== undefined; chunk = batcher.take()) {
          expect(chunk.count).toBe(chunk.waiters.reduce((sum, waiter) => sum + waiter.count, 0));
          expect(chunk.count).toBeLessThanOrEqual(MAX_TIMESTAMPS_PER_RPC);
          // A chunk is as long as it can be: the next waiter would not have fitted.
          const next = staying[taken.length + chunk.waiters.length];
          if (next !== undefined) expect(chunk.count + next.count).toBeGreaterThan(MAX_TIMESTAMPS_PER_RPC);
          taken.push(...chunk.waiters);
        }
        expect(taken).toEqual(staying);
        expect(batcher.size).toBe(0);
      }),
    );
  });

  it("answers no more callers at a time than one loop should", () => {
    const batcher = new Batcher();
    for (let index = 0; index < MAX_WAITERS_PER_REQUEST + 1; index += 1) batcher.push(waiting());
    expect(batcher.take()?.waiters).toHaveLength(MAX_WAITERS_PER_REQUEST);
    expect(batcher.take()?.waiters).toHaveLength(1);
    expect(batcher.take()).toBeUndefined();
  });

  it("forgets those who left, however many, without being asked for a request", () => {
    const batcher = new Batcher();
    const stays = waiting();
    batcher.push(stays);
    for (let index = 0; index < 100_000; index += 1) {
      const waiter = waiting();
      batcher.push(waiter);
      leave(batcher, waiter);
      expect(batcher.size).toBe(1);
    }
    expect(batcher.drain().length).toBeLessThan(5_000);
  });

  it("does not count a waiter whose request is on the way when it leaves", () => {
    const batcher = new Batcher();
    const sent = waiting();
    batcher.push(sent);
    batcher.take();
    batcher.push(waiting());
    leave(batcher, sent);
    expect(batcher.size).toBe(1);
  });

  it("puts waiters back in front, without those who left", () => {
    const batcher = new Batcher();
    const [first, second, third] = [waiting(1), waiting(2), waiting(3)];
    for (const waiter of [first, second]) batcher.push(waiter);
    const chunk = batcher.take();
    batcher.push(third);
    first.settled = true;
    batcher.putBack(chunk?.waiters ?? []);
    expect(batcher.size).toBe(2);
    leave(batcher, second);
    expect(batcher.take()?.waiters).toEqual([third]);
  });
});

describe("delivery", () => {
  it("hands consecutive slices out in order, and skips those who left", () => {
    const got: string[] = [];
    const single = (name: string): Waiter =>
      singleWaiter(0, (timestamp: Timestamp) => got.push(`${name}=${timestamp.logical}`), nothing);
    const range = (name: string, count: number): Waiter =>
      rangeWaiter(0, count, (given) => got.push(`${name}=${given.first.logical}..${given.last.logical}`), nothing);
    const left = range("left", 5);
    left.settled = true;
    const waiters = [single("a"), range("b", 3), left, single("c")];
    deliver({ waiters, count: 10 }, new WindowGrant(7, 100, 10, epoch(1n)));
    expect(got).toEqual(["a=100", "b=101..103", "c=109"]);
  });

  it("settles each waiter once, with its signal let go", () => {
    let settled = 0;
    let released = 0;
    const waiter = singleWaiter(
      0,
      () => (settled += 1),
      () => (settled += 1),
    );
    waiter.release = () => {
      released += 1;
    };
    rejectAll([waiter], new Error("first"));
    rejectAll([waiter], new Error("second"));
    deliver({ waiters: [waiter], count: 1 }, new WindowGrant(7, 0, 1, epoch(0n)));
    expect([settled, released]).toEqual([1, 1]);
  });
});

describe("timestamp range", () => {
  const range = new TimestampRange(new WindowGrant(1_000, 10, 3, epoch(2n)).physicalMs, 10, 3, epoch(2n));

  it("yields its timestamps in order, lazily and again", () => {
    const values = [...range].map(({ value }) => value);
    expect(values).toEqual([range.firstValue, range.firstValue + 1n, range.firstValue + 2n]);
    expect([...range]).toHaveLength(3);
    expect([range.first.logical, range.last.logical, range.length]).toEqual([10, 12, 3]);
    expect(range.first.epoch).toBe(2n);
  });

  it.each([
    [0, 10],
    [2, 12],
    [-1, 12],
    [-3, 10],
    [1.9, 11],
    [Number.NaN, 10],
    [3, undefined],
    [-4, undefined],
  ])("at(%s) is as an array's", (index, logical) => {
    expect(range.at(index)?.logical).toBe(logical);
    expect([10, 11, 12].at(index)).toBe(logical);
  });
});
