// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Allocator,
  epoch,
  epochOrZero,
  type GrantResult,
  LOGICAL_MAX,
  MAX_TIMESTAMPS_PER_RPC,
  PHYSICAL_MS_MAX,
  type PhysicalMs,
  physicalMs,
} from "../src/index.ts";
import { type AllocatorOperation, AllocatorTrial } from "./allocator.model.ts";
import * as mutants from "./mutants/allocator-mutants.ts";

const nowMs = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      PHYSICAL_MS_MAX - 3,
      PHYSICAL_MS_MAX,
      PHYSICAL_MS_MAX + 1,
      Number.MAX_SAFE_INTEGER,
      2 ** 53,
      -1,
      0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ),
  },
);
const count = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 6, arbitrary: fc.constantFrom(100_000, 131_072, LOGICAL_MAX, MAX_TIMESTAMPS_PER_RPC) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 1.5, Number.NaN, MAX_TIMESTAMPS_PER_RPC + 1) },
);
const spanMs = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(3_000, PHYSICAL_MS_MAX));

const operation: fc.Arbitrary<AllocatorOperation> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant("grant" as const), now: nowMs, count }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("extend" as const),
      how: fc.constantFrom("window" as const, "background" as const, "lease" as const),
      now: nowMs,
      spanMs,
      late: fc.integer({ min: 0, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("lead" as const),
      now: nowMs,
      advanceMs: fc.integer({ min: 0, max: 8 }),
      sameEpoch: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "lead_badly" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "step_down" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("watermark" as const), now: nowMs }) },
);
const history = fc
  .array(operation, { minLength: 1, maxLength: 60 })
  .map((rest): AllocatorOperation[] => [{ do: "lead", now: 10, advanceMs: 3, sameEpoch: true }, ...rest]);

function leading(fenceFloor: number, committedCeiling: number, reign = 1n): Allocator {
  const allocator = new Allocator();
  allocator.becomeLeader({
    fenceFloor: physicalMs(fenceFloor),
    committedCeiling: physicalMs(committedCeiling),
    epoch: epoch(reign),
  });
  return allocator;
}

/** A grant as [physical, first logical], or the reason of its refusal. */
function brief(result: GrantResult): [number, number] | string {
  return result.ok ? [result.grant.physicalMs, result.grant.logicalStart] : result.reason;
}

describe("Allocator against its model", () => {
  it("agrees after every step of any history, and keeps I1 to I6 and its watermarks", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(history, (operations) => {
        const trial = new AllocatorTrial(new Allocator());
        trial.run(operations);
        for (const what of trial.seen.keys()) seen.add(what);
      }),
      { numRuns: 2_000 },
    );
    expect([...seen]).toEqual(
      expect.arrayContaining([
        "granted",
        "invalid_count",
        "not_leader",
        "clock_out_of_range",
        "physical_ms_out_of_range",
        "window_exhausted",
        "window",
        "window:physical_ms_out_of_range",
        "background",
        "background:none",
        "lease",
        "commit:applied",
        "commit:epoch_mismatch",
        "commit:not_advanced",
        "commit:not_leader",
        "watermark",
      ]),
    );
  });

  it.each(Object.entries(mutants))("catches the mutant %s", (_name, Mutant) => {
    const run = (): void =>
      fc.assert(
        fc.property(history, (operations) => new AllocatorTrial(new Mutant()).run(operations)),
        { numRuns: 2_000, seed: 1 },
      );
    expect(run).toThrow();
  });
});

describe("Allocator.tryGrant", () => {
  it("checks the count before leadership, leadership before the clock, the range before the window", () => {
    expect(new Allocator().tryGrant(-1, 0)).toEqual({ ok: false, reason: "invalid_count", count: 0 });
    expect(new Allocator().tryGrant(-1, 1)).toEqual({ ok: false, reason: "not_leader" });
    expect(leading(1, 1).tryGrant(-1, 1)).toEqual({ ok: false, reason: "clock_out_of_range", nowMs: -1 });
    expect(leading(1, 1).tryGrant(PHYSICAL_MS_MAX + 1, 1)).toEqual({
      ok: false,
      reason: "physical_ms_out_of_range",
      physicalMs: PHYSICAL_MS_MAX + 1,
    });
    expect(leading(1, 1).tryGrant(PHYSICAL_MS_MAX, 1)).toEqual({ ok: false, reason: "window_exhausted" });
  });

  it("serves the bound itself, because the bound is inclusive", () => {
    const allocator = leading(5, 6);
    expect(brief(allocator.tryGrant(6, MAX_TIMESTAMPS_PER_RPC))).toEqual([6, 0]);
    expect(brief(allocator.tryGrant(6, 1))).toBe("window_exhausted");
  });

  it("borrows the next millisecond when a block does not fit, and loses the tail", () => {
    const allocator = leading(5, 9);
    expect(brief(allocator.tryGrant(5, LOGICAL_MAX))).toEqual([5, 0]);
    expect(brief(allocator.tryGrant(5, 2))).toEqual([6, 0]);
    expect(brief(allocator.tryGrant(5, 1))).toEqual([6, 2]);
  });

  it("moves to the next millisecond after an exactly full one", () => {
    const allocator = leading(5, 9);
    allocator.tryGrant(5, MAX_TIMESTAMPS_PER_RPC);
    expect(allocator.nextPhysicalMs).toBe(6);
    expect(brief(allocator.tryGrant(5, MAX_TIMESTAMPS_PER_RPC))).toEqual([6, 0]);
  });

  it("stays where it is when the clock goes back", () => {
    const allocator = leading(5, 9);
    allocator.tryGrant(8, 1);
    expect(brief(allocator.tryGrant(3, 1))).toEqual([8, 1]);
  });

  it("keeps its state when it refuses", () => {
    const allocator = leading(5, 9);
    allocator.tryGrant(7, 1);
    for (const [now, size] of [
      [100, 1],
      [7, 0],
      [Number.NaN, 1],
    ] as const) {
      expect(allocator.tryGrant(now, size).ok).toBe(false);
    }
    expect(brief(allocator.tryGrant(7, 1))).toEqual([7, 1]);
  });

  it("refuses the millisecond after the last one instead of wrapping", () => {
    const allocator = leading(PHYSICAL_MS_MAX, PHYSICAL_MS_MAX);
    expect(allocator.tryGrant(0, MAX_TIMESTAMPS_PER_RPC).ok).toBe(true);
    expect(brief(allocator.tryGrant(0, 1))).toBe("physical_ms_out_of_range");
  });
});

describe("Allocator extensions", () => {
  it("ask for a whole window above the bound or the clock, whichever is later", () => {
    expect(leading(5, 9).prepareWindowExtension(7, 3)).toMatchObject({ ok: true, atLeast: 13, epoch: 1n });
    expect(leading(5, 9).prepareWindowExtension(20, 3)).toMatchObject({ ok: true, atLeast: 23 });
  });

  it("ask for a lease bound that the clock and the TTL need, and for one millisecond when it is covered", () => {
    expect(leading(5, 9).prepareLeaseBound(7, 30)).toMatchObject({ ok: true, atLeast: 37 });
    expect(leading(5, 90).prepareLeaseBound(7, 30)).toMatchObject({ ok: true, atLeast: 91 });
  });

  it("do not ratchet: a thousand leases at one instant move the bound by a thousand milliseconds at most", () => {
    const allocator = leading(1, 10);
    for (let index = 0; index < 1_000; index += 1) {
      const bound = allocator.prepareLeaseBound(10, 60_000);
      if (bound.ok) allocator.commitWindowExtension(bound.atLeast, bound.epoch);
    }
    expect(allocator.committedHighWater).toBe(61_009);
  });

  it("run in the background once less than half of the window is left", () => {
    expect(leading(0, 10).prepareBackgroundExtension(4, 12)).toBeUndefined();
    expect(leading(0, 10).prepareBackgroundExtension(5, 12)).toMatchObject({ ok: true, atLeast: 17 });
  });

  it("are refused, not wrapped, beyond 46 bits", () => {
    expect(leading(1, PHYSICAL_MS_MAX).prepareWindowExtension(0, 0)).toMatchObject({
      reason: "physical_ms_out_of_range",
      physicalMs: PHYSICAL_MS_MAX + 1,
    });
    expect(leading(1, 2).prepareWindowExtension(Number.MAX_SAFE_INTEGER, 3_000)).toMatchObject({ ok: false });
  });

  it.each([-1, 0.5, Number.NaN])("take a span of %d for a defect", (span) => {
    expect(() => leading(1, 2).prepareWindowExtension(1, span)).toThrow("a span of time");
    expect(() => leading(1, 2).prepareBackgroundExtension(1, span)).toThrow("a span of time");
    expect(() => leading(1, 2).prepareLeaseBound(1, span)).toThrow("a span of time");
  });

  it("report a stale reign before they report a stale bound", () => {
    expect(leading(1, 9, 2n).commitWindowExtension(physicalMs(3), epoch(1n))).toEqual({
      outcome: "ignored",
      reason: "epoch_mismatch",
      expected: 1n,
      current: 2n,
    });
    expect(leading(1, 9).commitWindowExtension(physicalMs(9), epoch(1n))).toEqual({
      outcome: "ignored",
      reason: "not_advanced",
      persisted: 9,
      committed: 9,
    });
    expect(new Allocator().commitWindowExtension(physicalMs(9), epoch(1n))).toEqual({
      outcome: "ignored",
      reason: "not_leader",
    });
  });
});

describe("Allocator and answers that are no high-water", () => {
  it.each([Number.NaN, PHYSICAL_MS_MAX + 1, -1, undefined, 5n])("never commits %s", (answer) => {
    const allocator = leading(1, 2);
    expect(() => allocator.commitWindowExtension(answer as PhysicalMs, epoch(1n))).toThrow("within 46 bits");
    expect(brief(allocator.tryGrant(3, 1))).toBe("window_exhausted");
  });

  it("never leads with a ceiling that every comparison would pass", () => {
    const allocator = new Allocator();
    const window = { fenceFloor: physicalMs(1), committedCeiling: Number.NaN as PhysicalMs, epoch: epoch(1n) };
    expect(() => allocator.becomeLeader(window)).toThrow("within 46 bits");
    expect(allocator.isLeader).toBe(false);
  });
});

describe("Allocator.closedWatermark", () => {
  it("follows the clock of an idle oracle and closes what lies below", () => {
    const allocator = leading(5, 100);
    expect(allocator.closedWatermark(50)).toBe(49);
    expect(brief(allocator.tryGrant(20, 1))).toEqual([50, 0]);
  });

  it("never passes the committed bound", () => {
    expect(leading(5, 9).closedWatermark(50)).toBe(8);
  });

  it("reaches the bound itself once the last millisecond is used up", () => {
    const allocator = leading(9, 9);
    allocator.tryGrant(9, MAX_TIMESTAMPS_PER_RPC);
    expect(allocator.closedWatermark(9)).toBe(9);
  });

  it("is zero, which says nothing, without leadership", () => {
    expect(new Allocator().closedWatermark(50)).toBe(0);
  });
});

describe("epochOrZero", () => {
  it("is the epoch being served, or zero", () => {
    expect(epochOrZero(leading(1, 2, 7n))).toBe(7n);
    expect(epochOrZero(new Allocator())).toBe(0n);
  });
});
