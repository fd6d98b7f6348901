// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  ConsensusError,
  checkTenureTerms,
  DEFAULT_TENURE_TERMS,
  MIN_TENURE_MS,
  systemClock,
  usableTenureMs,
  WaitOut,
  waitOutMs,
} from "../src/index.ts";

const ms = 1_000_000n;

describe("tenure terms", () => {
  it("are 3 s and a tenth unless an oracle was made with others", () => {
    expect(DEFAULT_TENURE_TERMS).toEqual({ tenureMs: 3_000, drift: 0.1 });
    expect(Object.isFrozen(DEFAULT_TENURE_TERMS)).toBe(true);
    expect(usableTenureMs(DEFAULT_TENURE_TERMS)).toBeCloseTo(2_700, 6);
    expect(waitOutMs(DEFAULT_TENURE_TERMS)).toBeCloseTo(3_300, 6);
  });

  it("wait longer than a predecessor may rely on, by any clock within the drift", () => {
    for (const drift of [0.001, 0.1, 0.5, 0.999]) {
      const terms = checkTenureTerms({ tenureMs: MIN_TENURE_MS, drift });
      const longestReal = usableTenureMs(terms) / (1 - drift);
      const shortestReal = waitOutMs(terms) / (1 + drift);
      expect(shortestReal).toBeGreaterThanOrEqual(longestReal - 1e-6);
    }
  });

  it.each([999, 0, -1, 1_000.5, Number.NaN, Number.POSITIVE_INFINITY])("refuse a tenure of %d ms", (tenureMs) => {
    expect(() => checkTenureTerms({ tenureMs, drift: 0.1 })).toThrow(ConsensusError);
  });

  it.each([0, 1, -0.1, 1.5, Number.NaN])("refuse a drift of %d", (drift) => {
    expect(() => checkTenureTerms({ tenureMs: 3_000, drift })).toThrow("clock drift");
  });
});

describe("WaitOut", () => {
  it("is over at base + D(1+ρ) and not a nanosecond earlier", () => {
    const wait = WaitOut.after(100n * ms, { tenureMs: 3_000, drift: 0.25 });
    expect(wait.deadlineNs).toBe(3_850n * ms);
    expect([wait.over(3_850n * ms - 1n), wait.over(3_850n * ms), wait.over(9_999n * ms)]).toEqual([false, true, true]);
  });

  it("rounds a part of a nanosecond up", () => {
    const terms = { tenureMs: 1_001, drift: 1 / 3 };
    expect(Number(WaitOut.after(0n, terms).deadlineNs)).toBeGreaterThanOrEqual(waitOutMs(terms) * 1e6);
  });

  it("says how long is left", () => {
    const wait = WaitOut.after(0n, { tenureMs: 1_000, drift: 0.5 });
    expect([wait.remainingMs(0n), wait.remainingMs(1_499n * ms), wait.remainingMs(2_000n * ms)]).toEqual([1_500, 1, 0]);
  });

  it("is over at once where there is nothing to wait for", () => {
    expect(WaitOut.none(5n).over(5n)).toBe(true);
  });

  it("is inherited by the next reign of the same process as long as it is not over", () => {
    const wait = WaitOut.after(0n, { tenureMs: 1_000, drift: 0.5 });
    expect(wait.inherited(1_499n * ms).deadlineNs).toBe(wait.deadlineNs);
    expect(
      wait
        .inherited(1_499n * ms)
        .inherited(1_499n * ms)
        .over(1_499n * ms),
    ).toBe(false);
    expect(wait.inherited(1_500n * ms).over(1_500n * ms)).toBe(true);
  });
});

describe("systemClock", () => {
  it.each([
    [-5, 0],
    [0, 0],
    [1_700_000_000_000.7, 1_700_000_000_000],
    [1e20, Number.MAX_SAFE_INTEGER],
  ])("reads %d as %d", (raw, reading) => {
    const real = Date.now;
    Date.now = () => raw;
    try {
      expect(systemClock.nowMs()).toBe(reading);
    } finally {
      Date.now = real;
    }
  });
});
