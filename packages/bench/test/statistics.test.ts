// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { LatencyHistogram, median } from "../src/statistics.ts";

describe("median", () => {
  it("is the middle of an odd number of values, whatever their order", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it("is the mean of the two middle ones of an even number", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

describe("LatencyHistogram", () => {
  it("answers quantiles within the width of a bucket", () => {
    const histogram = new LatencyHistogram();
    for (let value = 1; value <= 10_000; value += 1) histogram.record(value);
    expect(histogram.count).toBe(10_000);
    expect(histogram.quantile(0.5) / 5_000).toBeGreaterThan(0.98);
    expect(histogram.quantile(0.5) / 5_000).toBeLessThan(1.03);
    expect(histogram.quantile(0.99) / 9_900).toBeGreaterThan(0.98);
    expect(histogram.quantile(0.99) / 9_900).toBeLessThan(1.03);
  });

  it("sees a tail of one in a hundred", () => {
    const histogram = new LatencyHistogram();
    for (let value = 0; value < 1_000; value += 1) histogram.record(value % 50 === 0 ? 5_000 : 10);
    expect(histogram.quantile(0.5)).toBeLessThan(11);
    expect(histogram.quantile(0.99)).toBeGreaterThan(4_900);
  });
});
