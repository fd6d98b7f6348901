// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Inflights } from "../../src/raft/tracker/inflights.ts";

function filled(size: number, maxBytes: number, appends: readonly (readonly [number, number])[]): Inflights {
  const inflights = new Inflights(size, maxBytes);
  for (const [index, bytes] of appends) inflights.add(index, bytes);
  return inflights;
}

describe("tracker: window of appends on their way (E9)", () => {
  it("is full at its size, and free again as soon as one append is acknowledged", () => {
    const inflights = filled(3, 0, [
      [1, 10],
      [2, 10],
      [5, 10],
    ]);
    expect(inflights.full()).toBe(true);
    expect(() => inflights.add(6, 1)).toThrow("full window of 3");
    inflights.freeLE(1);
    expect([inflights.full(), inflights.count, inflights.bytes]).toEqual([false, 2, 20]);
  });

  it("is full once the bytes reach the limit, which the last append may exceed", () => {
    const inflights = filled(10, 100, [[1, 99]]);
    expect(inflights.full()).toBe(false);
    inflights.add(2, 1000);
    expect(inflights.full()).toBe(true);
    inflights.freeLE(2);
    expect([inflights.full(), inflights.bytes]).toEqual([false, 0]);
  });

  it("frees everything up to an index, not only the append that ends there", () => {
    const inflights = filled(4, 0, [
      [3, 1],
      [6, 2],
      [9, 4],
    ]);
    inflights.freeLE(8);
    expect([inflights.count, inflights.bytes]).toEqual([1, 4]);
    inflights.freeLE(2);
    expect(inflights.count).toBe(1);
  });

  it("keeps the order when the ring has turned before it grows", () => {
    const inflights = new Inflights(8);
    for (const index of [1, 2]) inflights.add(index, index);
    inflights.freeLE(1);
    for (const index of [3, 4, 5]) inflights.add(index, index);
    const left = [2, 3, 4, 5].map((to) => {
      inflights.freeLE(to);
      return [inflights.count, inflights.bytes];
    });
    expect(left).toEqual([
      [3, 12],
      [2, 9],
      [1, 5],
      [0, 0],
    ]);
  });

  it("copies so that neither sees what happens to the other", () => {
    const original = filled(4, 0, [
      [1, 5],
      [2, 5],
    ]);
    const copy = original.clone();
    original.freeLE(1);
    copy.add(3, 5);
    expect([original.count, copy.count, original.bytes, copy.bytes]).toEqual([1, 3, 5, 15]);
  });

  it("equals a plain list, whatever is added and freed in whatever order", () => {
    const command = fc.oneof(
      { weight: 8, arbitrary: fc.record({ add: fc.nat(3), bytes: fc.nat(40) }) },
      { weight: 4, arbitrary: fc.record({ free: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.constant({ reset: true }) },
    );
    const limits = fc.record({ size: fc.integer({ min: 1, max: 7 }), maxBytes: fc.constantFrom(0, 0, 30, 90) });
    fc.assert(
      fc.property(limits, fc.array(command, { maxLength: 60 }), ({ size, maxBytes }, commands) => {
        const real = new Inflights(size, maxBytes);
        let model: { index: number; bytes: number }[] = [];
        let last = 0;
        const bytes = (): number => model.reduce((sum, append) => sum + append.bytes, 0);
        const full = (): boolean => model.length === size || (maxBytes !== 0 && bytes() >= maxBytes);
        for (const command of commands) {
          if ("add" in command) {
            last += command.add + 1;
            if (full()) {
              expect(() => real.add(last, command.bytes)).toThrow(RangeError);
            } else {
              model.push({ index: last, bytes: command.bytes });
              real.add(last, command.bytes);
            }
          } else if ("free" in command) {
            const to = Math.max(0, last - command.free);
            model = model.filter((append) => append.index > to);
            real.freeLE(to);
          } else {
            model = [];
            real.reset();
          }
          expect([real.count, real.bytes, real.full()]).toEqual([model.length, bytes(), full()]);
        }
      }),
    );
  });
});
