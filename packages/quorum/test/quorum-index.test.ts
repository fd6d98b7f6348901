// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AckTracker, majority, QuorumPolicy, quorumIndex } from "../src/index.ts";

/** Tries every value, counting the voters that have reached it. */
function byCounting(values: readonly number[], w: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const candidate of values) {
    const reached = values.filter((value) => value >= candidate).length;
    if (reached >= w && candidate > best) best = candidate;
  }
  return best;
}

const voters = fc.array(fc.nat(12), { minLength: 1, maxLength: 9 });

describe("quorumIndex", () => {
  it("is the w-th largest", () => {
    expect([1, 2, 3].map((w) => quorumIndex([7, 3, 10], w))).toEqual([10, 7, 3]);
  });

  it("compares numbers, not their text", () => expect(quorumIndex([10, 9, 100], 2)).toBe(10));

  it("keeps bigints exact", () => {
    expect(quorumIndex([2n ** 64n, 2n ** 64n - 1n, 5n], 2)).toBe(2n ** 64n - 1n);
  });

  it("equals a naive count", () => {
    fc.assert(
      fc.property(voters, fc.nat(), (values, pick) => {
        const w = 1 + (pick % values.length);
        expect(quorumIndex(values, w)).toBe(byCounting(values, w));
      }),
    );
  });

  it("is the largest entry for which a tracker of acknowledgements succeeds", () => {
    fc.assert(
      fc.property(voters, (values) => {
        // The leader's own log is never behind what its followers hold.
        const followers = values.slice(1);
        const leader = Math.max(...values);
        const policy = QuorumPolicy.majority(values.length);
        const succeeds = (entry: number): boolean => {
          const tracker = new AckTracker(policy, 0);
          if (leader >= entry) tracker.recordLocal();
          for (const [index, match] of followers.entries()) if (match >= entry) tracker.recordPeerAck(`p${index}`);
          return tracker.finalise(0).ok;
        };
        const committed = quorumIndex([leader, ...followers], majority(values.length));
        expect([succeeds(committed), succeeds(committed + 1)]).toEqual([true, false]);
      }),
    );
  });

  it("leaves the order of its input alone", () => {
    const values = Object.freeze([3, 1, 2]);
    expect(quorumIndex(values, 2)).toBe(2);
  });

  it.each([
    [[], 1],
    [[1, 2], 0],
    [[1, 2], 3],
    [[1, 2], 1.5],
    [[1, Number.NaN], 1],
  ])("refuses %j with w = %d", (values, w) => expect(() => quorumIndex(values, w)).toThrow("invalid quorum policy"));
});
