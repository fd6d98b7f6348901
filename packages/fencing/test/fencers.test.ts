// SPDX-License-Identifier: Apache-2.0
import { EpochGuard, epoch } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EpochFencer, epochFromText, epochToText, judgeClaim, OwnedEpochFencer } from "../src/index.ts";

const U64 = 2n ** 64n - 1n;
const U128 = 2n ** 128n - 1n;

describe("EpochFencer", () => {
  it("D6 lets equal and higher epochs pass, and lower ones never again", () => {
    const gate = new EpochFencer();
    const seen = [5n, 5n, 7n, 6n, 5n].map((offered) => [gate.checkAndAdvance(offered), gate.highest]);
    expect(seen).toEqual([
      [true, 5n],
      [true, 5n],
      [true, 7n],
      [false, 7n],
      [false, 7n],
    ]);
  });

  it("D7 lets 0 pass a fresh gate", () => {
    const gate = new EpochFencer();
    expect([gate.checkAndAdvance(0n), gate.highest]).toEqual([true, 0n]);
  });

  it.each([-1n, 2n ** 64n])("D9 refuses %s with a RangeError and does not move", (outside) => {
    const gate = new EpochFencer();
    gate.checkAndAdvance(3n);
    expect(() => gate.checkAndAdvance(outside)).toThrow(RangeError);
    expect(gate.highest).toBe(3n);
    expect(gate.checkAndAdvance(3n)).toBe(true);
  });

  it("refuses a number, which would round", () => {
    expect(() => new EpochFencer().checkAndAdvance(5 as unknown as bigint)).toThrow("[epoch_out_of_range]");
  });

  it("tells neighbours at the end of its domain apart", () => {
    const narrow = new EpochFencer();
    expect([narrow.checkAndAdvance(U64), narrow.checkAndAdvance(U64 - 1n)]).toEqual([true, false]);
    const wide = new EpochFencer({ bits: 128 });
    expect([wide.checkAndAdvance(U128), wide.checkAndAdvance(U128 - 1n)]).toEqual([true, false]);
    expect(() => wide.checkAndAdvance(U128 + 1n)).toThrow(RangeError);
  });

  it("accepts a sequence that never decreases and ends at the largest offered", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 20n), { minLength: 1 }), (offers) => {
        const gate = new EpochFencer();
        const accepted = offers.filter((offer) => gate.checkAndAdvance(offer));
        expect(accepted).toEqual([...accepted].sort((a, b) => Number(a - b)));
        expect(gate.highest).toBe(offers.toSorted((a, b) => Number(b - a))[0]);
      }),
    );
  });
});

describe("OwnedEpochFencer", () => {
  it("D10 binds an epoch to its first owner", () => {
    const gate = new OwnedEpochFencer();
    expect([gate.check(5n, "a"), gate.check(5n, "b"), gate.check(6n, "b"), gate.check(5n, "a")]).toEqual([
      { ok: true, advanced: true },
      { ok: false, kind: "split_brain", currentOwner: "a" },
      { ok: true, advanced: true },
      { ok: false, kind: "stale", current: 6n },
    ]);
  });

  it("says of a repetition that nothing advanced", () => {
    const gate = new OwnedEpochFencer();
    gate.check(5n, "a");
    expect(gate.check(5n, "a")).toEqual({ ok: true, advanced: false });
  });

  it("binds epoch 0 of a fresh gate too", () => {
    const gate = new OwnedEpochFencer();
    expect(gate.check(0n, "a")).toEqual({ ok: true, advanced: true });
    expect(gate.check(0n, "b")).toEqual({ ok: false, kind: "split_brain", currentOwner: "a" });
  });

  it.each([
    [-1n, "a"],
    [2n ** 64n, "a"],
    [6n, ""],
    [6n, "\ud800"],
  ])("refuses (%s, %j) with a RangeError and does not move", (offered, owner) => {
    const gate = new OwnedEpochFencer();
    gate.check(5n, "a");
    expect(() => gate.check(offered, owner)).toThrow(RangeError);
    expect(gate.held).toEqual({ epoch: 5n, owner: "a" });
  });

  it("decides as a replay of all accepted claims by hand", () => {
    const claim = fc.record({ epoch: fc.bigInt(0n, 4n), owner: fc.constantFrom("a", "b") });
    fc.assert(
      fc.property(fc.array(claim), (claims) => {
        const gate = new OwnedEpochFencer();
        const accepted: { epoch: bigint; owner: string }[] = [];
        for (const { epoch: offered, owner } of claims) {
          const rival = accepted.some((old) => old.epoch > offered || (old.epoch === offered && old.owner !== owner));
          expect(gate.check(offered, owner).ok).toBe(!rival);
          if (!rival) accepted.push({ epoch: offered, owner });
        }
      }),
    );
  });
});

describe("judgeClaim", () => {
  it("moves nothing", () => {
    const held = Object.freeze({ epoch: 5n, owner: "a" });
    expect(judgeClaim(held, { epoch: 9n, owner: "b" })).toEqual({ ok: true, advanced: true });
    expect(judgeClaim(held, { epoch: 5n, owner: "a" })).toEqual({ ok: true, advanced: false });
  });
});

describe("D22 the guard of leadership streams", () => {
  it("passes none, 5, 5, none, 6 and ends at 6", () => {
    const guard = new EpochGuard();
    for (const item of [undefined, 5n, 5n, undefined, 6n]) guard.observe(item === undefined ? item : epoch(item));
    expect(guard.latest).toBe(6n);
  });

  it("throws at 7, 6", () => {
    const guard = new EpochGuard();
    guard.observe(epoch(7n));
    expect(() => guard.observe(epoch(6n))).toThrow("leader_epoch that regressed");
  });
});

describe("the text of an epoch", () => {
  it.each([
    [64, 0n, "00000000000000000000"],
    [64, U64, "18446744073709551615"],
    [128, 0n, "00000000000000000000000000000000"],
    [128, U128, "ffffffffffffffffffffffffffffffff"],
  ] as const)("has %i bits: %s is %s", (bits, value, text) => {
    expect(epochToText(value, bits)).toBe(text);
    expect(epochFromText(text, bits)).toBe(value);
  });

  it("is ordered as the epochs are", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, U64), fc.bigInt(0n, U64), (a, b) => {
        expect(epochToText(a, 64) < epochToText(b, 64)).toBe(a < b);
        expect(epochToText(a, 128) < epochToText(b, 128)).toBe(a < b);
      }),
    );
  });

  it.each(["", "5", "18446744073709551616", "0000000000000000000x", " 0000000000000000005", "0000000000000000000५"])(
    "is not %j",
    (text) => expect(() => epochFromText(text, 64)).toThrow(RangeError),
  );
});
