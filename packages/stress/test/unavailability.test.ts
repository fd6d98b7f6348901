// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { longestSilence, median, unavailability } from "../src/unavailability.ts";

type Silence = (ends: readonly number[], from: number, to: number) => number;

/** Every instant at which somebody was answered cuts the stretch; the longest piece is the silence. */
const bySplitting: Silence = (ends, from, to) => {
  const cuts = [from, ...ends.filter((end) => end > from && end < to), to];
  return Math.max(...cuts.slice(1).map((cut, index) => cut - (cuts[index] as number)));
};

const CASES: readonly (readonly [name: string, ends: readonly number[], from: number, to: number, silence: number])[] =
  [
    ["nobody was answered at all", [], 10, 30, 20],
    ["the next answer comes after the stretch", [40], 10, 30, 20],
    ["the silence begins with the fault", [9, 25, 26, 27, 28, 29], 10, 30, 15],
    ["the silence lasts until the end", [11, 12, 13], 10, 30, 17],
    ["the silence is in the middle", [11, 12, 24, 25, 29], 10, 30, 12],
    ["answers before and after do not count", [1, 2, 29.5, 31, 80], 10, 30, 19.5],
    ["answers at the very edges change nothing", [10, 30], 10, 30, 20],
  ];

const WRONG: Readonly<Record<string, Silence>> = {
  "forgets the time before the first answer": (ends, from, to) => {
    const inside = ends.filter((end) => end > from && end < to);
    return bySplitting(inside, inside[0] ?? from, to);
  },
  "forgets the time after the last answer": (ends, from, to) => {
    const inside = ends.filter((end) => end > from && end < to);
    return bySplitting(inside, from, inside.at(-1) ?? to);
  },
  "counts from the last answer before the fault": (ends, from, to) =>
    bySplitting(ends, ends.findLast((end) => end < from) ?? from, to),
  "counts up to the first answer after the stretch": (ends, from, to) =>
    bySplitting(ends, from, ends.find((end) => end > to) ?? to),
  "takes the first gap for the longest": (ends, from, to) => (ends.find((end) => end > from && end < to) ?? to) - from,
};

describe("longest silence", () => {
  it.each(CASES)("where %s", (_, ends, from, to, silence) => {
    expect(longestSilence(ends, from, to)).toBe(silence);
  });

  it.each(Object.keys(WRONG))("is not what somebody computes who %s", (name) => {
    const wrong = WRONG[name] as Silence;
    expect(CASES.some(([, ends, from, to, silence]) => wrong(ends, from, to) !== silence)).toBe(true);
  });

  it("agrees with a slower way to compute it", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.nat(100), fc.nat(100), (unsorted, a, b) => {
        const ends = unsorted.sort((x, y) => x - y);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(longestSilence(ends, from, to)).toBe(bySplitting(ends, from, to));
      }),
    );
  });
});

describe("median", () => {
  it("is the middle one, or the mean of the two in the middle, in whatever order", () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([100, 9, 1, 20])).toBe(14.5);
    expect(median([])).toBeNaN();
  });
});

describe("unavailability", () => {
  it("groups by kind and role, in ticks made milliseconds, each up to the next fault", () => {
    const ends = Float64Array.from([90, 150, 210, 290, 300, 395, 400, 460]);
    const stretches = [
      { kind: "kill", target: "leader", from: 100, to: 200 },
      { kind: "kill", target: "follower", from: 200, to: 300 },
      { kind: "kill", target: "leader", from: 300, to: 400 },
      { kind: "pause", target: "leader", from: 400, to: 500 },
    ] as const;
    expect(unavailability(stretches, ends, 10)).toEqual([
      { kind: "kill", target: "leader", eachMs: [5, 10], medianMs: 8, maxMs: 10 },
      { kind: "kill", target: "follower", eachMs: [8], medianMs: 8, maxMs: 8 },
      { kind: "pause", target: "leader", eachMs: [6], medianMs: 6, maxMs: 6 },
    ]);
  });

  it("is nothing without faults", () => expect(unavailability([], [1, 2], 1)).toEqual([]));
});
