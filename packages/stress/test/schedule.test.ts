// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../src/random.ts";
import { FAULT_KINDS, type FaultKind, faultSchedule, type PlannedFault, type ScheduleTerms } from "../src/schedule.ts";

const TERMS: ScheduleTerms = { seed: 7, kinds: FAULT_KINDS, servers: 3, outageMs: [2_100, 3_600] };

function take(count: number, terms: Partial<ScheduleTerms> = {}): PlannedFault[] {
  const schedule = faultSchedule({ ...TERMS, ...terms });
  return Array.from({ length: count }, () => schedule.next().value);
}

const kindsOf = (faults: readonly PlannedFault[]): FaultKind[] => faults.map(({ kind }) => kind);

const anyTerms = fc.record({
  seed: fc.nat(2 ** 32 - 1),
  kinds: fc.subarray([...FAULT_KINDS], { minLength: 1 }),
  servers: fc.integer({ min: 1, max: 5 }),
});

describe("fault schedule", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(take(40)).toEqual(take(40));
    expect(take(40)).not.toEqual(take(40, { seed: 8 }));
  });

  it("brings each kind once in every round, in orders that differ", () => {
    fc.assert(
      fc.property(anyTerms, ({ seed, kinds, servers }) => {
        const faults = take(kinds.length * 5, { seed, kinds, servers });
        for (let round = 0; round < 5; round += 1) {
          const drawn = kindsOf(faults.slice(round * kinds.length, (round + 1) * kinds.length));
          expect([...drawn].sort()).toEqual([...kinds].sort());
        }
      }),
    );
    const kinds: FaultKind[] = ["kill", "pause", "cut", "term"];
    const rounds = Array.from({ length: 20 }, (_, round) =>
      kindsOf(take(80, { kinds }).slice(round * 4, round * 4 + 4)).join(),
    );
    expect(new Set(rounds).size).toBeGreaterThan(5);
  });

  it("hits the leader first, followers too later on, and never a follower where there is none", () => {
    const kinds: FaultKind[] = ["kill", "pause", "cut", "term"];
    const faults = take(200, { kinds });
    expect(faults.slice(0, 4).every(({ target }) => target === "leader")).toBe(true);
    const followers = faults.filter(({ target }) => target === "follower").length;
    expect(followers).toBeGreaterThan(20);
    expect(followers).toBeLessThan(100);
    expect(take(200, { kinds, servers: 1 }).every(({ target }) => target === "leader")).toBe(true);
  });

  it("hits the store with the faults of the store, and with no other", () => {
    const ofStore = (kind: FaultKind): boolean => kind.startsWith("store-");
    expect(take(200).every(({ kind, target }) => ofStore(kind) === (target === "store"))).toBe(true);
  });

  it("lets pauses and cuts last as long as the driver says, both ends included, and nothing else", () => {
    const faults = take(400, { outageMs: [2_100, 2_102] });
    const outages = faults.filter(({ kind }) => /pause|cut/.test(kind)).map(({ lastsMs }) => lastsMs);
    expect([...new Set(outages)].sort()).toEqual([2_100, 2_101, 2_102]);
    const others = faults.filter(({ kind }) => kind === "kill" || kind === "term");
    expect(others.every(({ lastsMs }) => lastsMs <= 1_000)).toBe(true);
    const down = faults.filter(({ kind }) => kind === "store-kill").map(({ lastsMs }) => lastsMs);
    expect(Math.min(...down)).toBeLessThan(1_000);
    expect(Math.max(...down)).toBeGreaterThan(1_500);
    expect(Math.max(...down)).toBeLessThanOrEqual(2_102);
  });

  it("cuts in every way, and only cuts have a way", () => {
    const faults = take(400);
    expect(new Set(faults.flatMap(({ cutMode }) => cutMode ?? []))).toEqual(new Set(["hold", "drop", "reset"]));
    expect(faults.every(({ kind, cutMode }) => kind.endsWith("cut") === (cutMode !== undefined))).toBe(true);
  });

  it("refuses to be about nothing", () => {
    expect(() => take(1, { kinds: [] })).toThrow("at least one kind");
  });
});

describe("seeded random numbers", () => {
  it("reach both ends of a range and nothing beyond", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (seed) => {
        const random = new Random(seed);
        const drawn = new Set(Array.from({ length: 200 }, () => random.between(-1, 1)));
        expect([...drawn].sort((a, b) => a - b)).toEqual([-1, 0, 1]);
      }),
    );
  });

  it("shuffle into permutations, each of three about as often", () => {
    const random = new Random(1);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 6_000; draw += 1) {
      const order = random.shuffled(["a", "b", "c"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it("pick from something only", () => {
    expect(() => new Random(1).pick([])).toThrow(RangeError);
  });
});
