// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CoreError,
  EpochGuard,
  epoch,
  epochFromHalves,
  epochToHalves,
  InvariantViolation,
  invariant,
  isPhysicalMs,
  LOGICAL_MAX,
  PHYSICAL_MS_MAX,
  packTimestamp,
  physicalMs,
  U64_MAX,
  U128_MAX,
  WindowGrant,
} from "../src/index.ts";

describe("physicalMs", () => {
  it.each([0, 1, PHYSICAL_MS_MAX])("accepts %i", (value) => {
    expect(physicalMs(value)).toBe(value);
    expect(isPhysicalMs(value)).toBe(true);
  });

  it.each([-1, PHYSICAL_MS_MAX + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses %d",
    (value) => {
      expect(() => physicalMs(value)).toThrow("[physical_ms_out_of_range]");
      expect(isPhysicalMs(value)).toBe(false);
    },
  );

  it.each([5n, "5", null, undefined, {}])("takes %s for no high-water", (value) => {
    expect(isPhysicalMs(value)).toBe(false);
  });
});

describe("epoch", () => {
  it.each([0n, 1n, U64_MAX, U64_MAX + 1n, U128_MAX])("accepts %i and carries it in two halves", (value) => {
    expect(epochFromHalves(epochToHalves(epoch(value)))).toBe(value);
  });

  it.each([-1n, U128_MAX + 1n])("refuses %i", (value) => {
    expect(() => epoch(value)).toThrow("[epoch_out_of_range]");
  });

  it("refuses a number at run time, too", () => {
    expect(() => epoch(1 as unknown as bigint)).toThrow("[epoch_out_of_range]");
  });

  it.each([
    [-1n, 0n],
    [0n, -1n],
    [U64_MAX + 1n, 0n],
    [0n, U64_MAX + 1n],
  ])("refuses the halves (%i, %i)", (hi, lo) => {
    expect(() => epochFromHalves({ hi, lo })).toThrow("[epoch_out_of_range]");
  });

  it("orders as its halves do, the high one first", () => {
    const epochs = fc.bigInt({ min: 0n, max: U128_MAX });
    fc.assert(
      fc.property(epochs, epochs, (a, b) => {
        const left = epochToHalves(epoch(a));
        const right = epochToHalves(epoch(b));
        expect(left.hi < right.hi || (left.hi === right.hi && left.lo < right.lo)).toBe(a < b);
      }),
    );
  });
});

describe("EpochGuard", () => {
  it("lets epochs rise and repeat", () => {
    const guard = new EpochGuard();
    for (const value of [0n, 0n, 3n, 3n, U128_MAX]) guard.observe(epoch(value));
    expect(guard.latest).toBe(U128_MAX);
  });

  it("refuses an epoch below an earlier one and keeps the earlier one", () => {
    const guard = new EpochGuard();
    guard.observe(epoch(3n));
    expect(() => guard.observe(epoch(2n))).toThrow("regressed from 3 to 2");
    expect(guard.latest).toBe(3n);
  });

  it("learns nothing from an absent epoch", () => {
    const guard = new EpochGuard();
    guard.observe(epoch(3n));
    guard.observe(undefined);
    expect(guard.latest).toBe(3n);
  });
});

describe("WindowGrant", () => {
  const e = epoch(1n);

  it("spans its first to its last timestamp, both included", () => {
    const grant = new WindowGrant(5, 10, 3, e);
    expect(grant.first()).toBe(packTimestamp(5, 10));
    expect(grant.last()).toBe(packTimestamp(5, 12));
  });

  it("may fill a millisecond to its end, in the last millisecond too", () => {
    expect(new WindowGrant(PHYSICAL_MS_MAX, 0, LOGICAL_MAX + 1, e).last()).toBe(U64_MAX);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses a count of %d", (count) => {
    expect(() => new WindowGrant(5, 0, count, e)).toThrow("[invalid_count]");
  });

  it.each([
    [LOGICAL_MAX, 2],
    [0, LOGICAL_MAX + 2],
    [-1, 1],
    [0.5, 1],
    [LOGICAL_MAX + 1, 1],
  ])("refuses a block that starts at %d with %i values", (start, count) => {
    expect(() => new WindowGrant(5, start, count, e)).toThrow("[logical_out_of_range]");
  });

  it("refuses a millisecond beyond 46 bits", () => {
    expect(() => new WindowGrant(PHYSICAL_MS_MAX + 1, 0, 1, e)).toThrow("[physical_ms_out_of_range]");
  });
});

describe("CoreError", () => {
  it("is recognised across copies of the package", () => {
    const foreign = Object.assign(new Error("from another copy"), { "@tsoracle/core.CoreError": true });
    expect(foreign instanceof CoreError).toBe(true);
    expect(new Error("other") instanceof CoreError).toBe(false);
    expect((null as unknown) instanceof CoreError).toBe(false);
  });

  it("is not taken for a subclass that it is no instance of", () => {
    class Special extends CoreError {}
    const general: unknown = new CoreError("invalid_count", "x");
    expect(general instanceof Special).toBe(false);
    expect(new Special("invalid_count", "x") instanceof Special).toBe(true);
    expect(new Special("invalid_count", "x") instanceof CoreError).toBe(true);
  });
});

describe("invariant", () => {
  it("throws the fact that should have held", () => {
    expect(() => invariant(false, "one is one")).toThrow(InvariantViolation);
    expect(() => invariant(false, "one is one")).toThrow("one is one");
    expect(() => invariant(true, "one is one")).not.toThrow();
  });
});
