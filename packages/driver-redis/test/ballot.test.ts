// SPDX-License-Identifier: Apache-2.0
import { epoch } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBallot, latestCountable, mintBallot, NO_BALLOT, roundOf, toBallot, toEpoch } from "../src/ballot.ts";

const u128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

describe("ballots", () => {
  it("order as texts as the epochs order as numbers, and convert back", () => {
    fc.assert(
      fc.property(u128, u128, (a, b) => {
        const [x, y] = [toBallot(epoch(a)), toBallot(epoch(b))];
        expect(x < y).toBe(a < b);
        expect(toEpoch(x)).toBe(a);
        expect(isBallot(x)).toBe(true);
      }),
    );
  });

  it("are minted above everything that was seen, and apart from what another process mints", () => {
    const below = fc.bigInt({ min: 0n, max: (1n << 127n) - 1n }).map((value) => toBallot(epoch(value)));
    fc.assert(
      fc.property(fc.array(below), (seen) => {
        const [mine, other] = [mintBallot(seen, 5n), mintBallot(seen, 6n)];
        for (const ballot of seen) expect(mine > ballot).toBe(true);
        expect(mine).not.toBe(other);
        expect(mine.slice(16)).toBe("0000000000000005");
      }),
    );
  });

  it("do not count up from a round that only damage can have made", () => {
    const damaged = "f".repeat(32);
    expect(roundOf(mintBallot([damaged, toBallot(epoch(7n << 64n))], 1n))).toBe(8n);
    expect(latestCountable(toBallot(epoch(9n << 64n)), damaged)).toBe(toBallot(epoch(9n << 64n)));
    expect(latestCountable(damaged, NO_BALLOT)).toBe(NO_BALLOT);
  });

  it.each(["", "0", "F".repeat(32), "0".repeat(31), "g".repeat(32), undefined])("are not %j", (text) => {
    expect(isBallot(text)).toBe(false);
  });
});
