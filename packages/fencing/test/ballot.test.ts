// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BALLOT_64, BALLOT_128, ballotToEpoch, candidateEpoch, epochToBallot } from "../src/index.ts";

describe.each([
  ["BALLOT_64", BALLOT_64, 48n, 16n],
  ["BALLOT_128", BALLOT_128, 64n, 64n],
])("%s", (_name, layout, counterBits, slotBits) => {
  const counters = fc.bigInt(0n, 2n ** counterBits - 1n);
  const slots = fc.bigInt(0n, 2n ** slotBits - 1n);

  it("orders by counter first, then by slot, and gives back its parts", () => {
    fc.assert(
      fc.property(counters, slots, counters, slots, (c1, s1, c2, s2) => {
        const [a, b] = [
          ballotToEpoch({ counter: c1, slot: s1 }, layout),
          ballotToEpoch({ counter: c2, slot: s2 }, layout),
        ];
        expect(a < b).toBe(c1 < c2 || (c1 === c2 && s1 < s2));
        expect(epochToBallot(a, layout)).toEqual({ counter: c1, slot: s1 });
      }),
    );
  });

  it("never mints one epoch for two slots, and always one above all that is known", () => {
    fc.assert(
      fc.property(fc.array(counters), fc.array(counters), slots, slots, (knownA, knownB, a, b) => {
        fc.pre(a !== b);
        const limit = 2n ** counterBits - 1n;
        const mint = (known: bigint[], slot: bigint): bigint => {
          const epochs = known
            .filter((counter) => counter < limit)
            .map((counter) => ballotToEpoch({ counter, slot: b }, layout));
          const minted = candidateEpoch({ known: epochs, fencerHighest: 0n, lastPersisted: 0n }, slot, layout);
          for (const epoch of epochs) expect(minted).toBeGreaterThan(epoch);
          return minted;
        };
        expect(mint(knownA, a)).not.toBe(mint(knownB, b));
      }),
    );
  });

  it("stops at the end of its counter instead of wrapping", () => {
    const last = ballotToEpoch({ counter: 2n ** counterBits - 1n, slot: 0n }, layout);
    expect(() => candidateEpoch({ known: [last], fencerHighest: 0n, lastPersisted: 0n }, 0n, layout)).toThrow(
      "[ballots_exhausted]",
    );
  });

  it("refuses parts that do not fit", () => {
    expect(() => ballotToEpoch({ counter: 2n ** counterBits, slot: 0n }, layout)).toThrow("[ballot_out_of_range]");
    expect(() => ballotToEpoch({ counter: 0n, slot: 2n ** slotBits }, layout)).toThrow("[ballot_out_of_range]");
    expect(() => ballotToEpoch({ counter: 0n, slot: -1n }, layout)).toThrow(RangeError);
    expect(() => epochToBallot(2n ** (counterBits + slotBits), layout)).toThrow("[epoch_out_of_range]");
  });
});
