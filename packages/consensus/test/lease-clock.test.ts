// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { BOOT_CLOCK_RESOLUTION_MS, LeaseClock, type LeaseClockSources, laterMark, TenureKeeper } from "../src/index.ts";

/** Clocks that are moved by hand. */
class Hands implements LeaseClockSources {
  mono = 5_000;
  boot = 70_000;
  wall = 1_700_000_000_000;

  monotonicNs(): bigint {
    return BigInt(Math.round(this.mono * 1e6));
  }

  bootMs(): number {
    return this.boot;
  }

  wallMs(): number {
    return this.wall;
  }

  pass(ms: number): void {
    this.mono += ms;
    this.boot += ms;
    this.wall += ms;
  }
}

const terms = { tenureMs: 3_000, drift: 0.1 };

describe("LeaseClock", () => {
  it("counts with the monotonic clock, up to the coarse steps of the boot clock", () => {
    const hands = new Hands();
    const clock = new LeaseClock(hands);
    const mark = clock.mark();
    hands.pass(500);
    expect(clock.ageMs(mark)).toBe(500 + BOOT_CLOCK_RESOLUTION_MS);
  });

  it.each<[string, (hands: Hands) => void, number]>([
    [
      "sees a suspend by the boot clock",
      (hands) => {
        hands.boot += 60_000;
      },
      60_000 + BOOT_CLOCK_RESOLUTION_MS,
    ],
    [
      "ages at once when the wall clock is stepped forward",
      (hands) => {
        hands.wall += 60_000;
      },
      60_000,
    ],
    [
      "is not rejuvenated by a wall clock stepped back",
      (hands) => {
        hands.wall -= 60_000;
      },
      BOOT_CLOCK_RESOLUTION_MS,
    ],
    [
      "goes on when the monotonic clock stalls",
      (hands) => {
        hands.pass(700);
        hands.mono -= 700;
      },
      700 + BOOT_CLOCK_RESOLUTION_MS,
    ],
    [
      "goes on when the boot clock and the wall clock stall",
      (hands) => {
        hands.mono += 700;
      },
      700,
    ],
  ])("%s", (_fact, happen, expected) => {
    const hands = new Hands();
    const clock = new LeaseClock(hands);
    const mark = clock.mark();
    happen(hands);
    expect(clock.ageMs(mark)).toBe(expected);
  });

  it("keeps nanoseconds where a number of nanoseconds since boot would lose them", () => {
    const hands = new Hands();
    hands.mono = 10 ** 10;
    hands.boot = Number.NEGATIVE_INFINITY;
    const clock = new LeaseClock({ ...bound(hands), monotonicNs: () => 10n ** 19n + 500_001n });
    expect(clock.ageMs({ monotonicNs: 10n ** 19n, bootMs: 0, wallMs: hands.wall })).toBe(0.500001);
  });

  it("reads the real clocks without an argument, and they do not go back", () => {
    const clock = new LeaseClock();
    const mark = clock.mark();
    const first = clock.ageMs(mark);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(clock.monotonicNs()).toBeGreaterThanOrEqual(mark.monotonicNs);
  });

  it("takes the later of two marks, whichever comes first", () => {
    const older = { monotonicNs: 1n, bootMs: 9, wallMs: 9 };
    const newer = { monotonicNs: 2n, bootMs: 1, wallMs: 1 };
    expect([laterMark(older, newer), laterMark(newer, older)]).toEqual([newer, newer]);
  });
});

function bound(hands: Hands): LeaseClockSources {
  return { monotonicNs: () => hands.monotonicNs(), bootMs: () => hands.bootMs(), wallMs: () => hands.wallMs() };
}

describe("TenureKeeper", () => {
  function keep(): { readonly hands: Hands; readonly keeper: TenureKeeper } {
    const hands = new Hands();
    return { hands, keeper: new TenureKeeper(new LeaseClock(hands), terms) };
  }

  it("is not valid before the first renewal was accepted", () => {
    const { keeper } = keep();
    expect(keeper.valid()).toBe(false);
    const mark = keeper.mark();
    expect(keeper.valid()).toBe(false);
    keeper.renewed(mark);
    expect(keeper.valid()).toBe(true);
  });

  it("counts from the sending of a renewal, not from its reply", () => {
    const { hands, keeper } = keep();
    const mark = keeper.mark();
    hands.pass(2_600);
    keeper.renewed(mark);
    expect(keeper.valid()).toBe(true);
    hands.pass(100);
    expect(keeper.valid()).toBe(false);
  });

  it("ends at D(1-ρ) exactly", () => {
    const { hands, keeper } = keep();
    keeper.renewed(keeper.mark());
    hands.mono += 2_700 - 0.000001;
    expect(keeper.valid()).toBe(true);
    hands.mono += 0.000001;
    expect(keeper.valid()).toBe(false);
  });

  it("keeps the newest mark when replies come in another order", () => {
    const { hands, keeper } = keep();
    const first = keeper.mark();
    hands.pass(1_000);
    const second = keeper.mark();
    keeper.renewed(second);
    keeper.renewed(first);
    hands.pass(2_000);
    expect(keeper.valid()).toBe(true);
  });

  it("is suspended by a lapse and valid again after a renewal that the store accepted", () => {
    const { hands, keeper } = keep();
    keeper.renewed(keeper.mark());
    hands.pass(10_000);
    expect(keeper.valid()).toBe(false);
    keeper.renewed(keeper.mark());
    expect(keeper.valid()).toBe(true);
  });

  it("is over for good once ended, whatever replies come late", () => {
    const { keeper } = keep();
    const mark = keeper.mark();
    keeper.end();
    keeper.renewed(mark);
    expect([keeper.valid(), keeper.ageMs()]).toEqual([false, Number.POSITIVE_INFINITY]);
  });

  it.each(["mono", "boot", "wall"] as const)("refuses when the %s clock cannot be read", (which) => {
    const { hands, keeper } = keep();
    keeper.renewed(keeper.mark());
    if (which === "mono") hands.monotonicNs = () => 10n ** 30n;
    else hands[which] = Number.NaN;
    expect(keeper.valid()).toBe(false);
  });
});
