// SPDX-License-Identifier: Apache-2.0
import { PHYSICAL_MS_MAX, physicalMs } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AdvancePayload, rejectOutOfRangeAdvance } from "../src/index.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

/** The varint again, by text: binary digits cut into groups of seven. */
function varintByText(value: number): string {
  const digits = BigInt(value).toString(2);
  const padded = digits.padStart(Math.ceil(digits.length / 7) * 7, "0");
  const groups = (padded.match(/.{7}/g) ?? []).reverse();
  return groups
    .map((group, index) => Number.parseInt((index === groups.length - 1 ? "0" : "1") + group, 2))
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

describe("AdvancePayload", () => {
  it.each([
    [0, "00"],
    [5, "05"],
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
    [16_383, "ff7f"],
    [16_384, "808001"],
    [2 ** 32, "8080808010"],
    [PHYSICAL_MS_MAX, "ffffffffffff0f"],
  ])("encodes %i as %s and reads it back", (value, text) => {
    expect(hex(new AdvancePayload(value).encode())).toBe(text);
    expect(AdvancePayload.decode(bytes(text)).atLeast).toBe(value);
  });

  it("agrees with a varint made from binary digits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: PHYSICAL_MS_MAX }), (value) => {
        const encoded = new AdvancePayload(value).encode();
        expect(hex(encoded)).toBe(varintByText(value));
        expect(AdvancePayload.decode(encoded).atLeast).toBe(value);
      }),
    );
  });

  it.each([
    ["", "nothing"],
    ["80", "a varint that does not end"],
    ["0500", "a trailing byte"],
    ["8000", "a zero written in two bytes"],
    ["858000", "a five written in three bytes"],
    ["ffffffffffffffffffffff01", "more than ten bytes"],
  ])("refuses %j: %s", (text) => {
    expect(() => AdvancePayload.decode(bytes(text))).toThrow("[permanent]");
  });

  it.each(["80808080808010", "ffffffffffffffffff01"])("refuses %s, which is above 46 bits", (text) => {
    expect(() => AdvancePayload.decode(bytes(text))).toThrow("[out_of_range]");
  });

  it("decodes nothing that it would not have written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (input) => {
        let payload: AdvancePayload;
        try {
          payload = AdvancePayload.decode(input);
        } catch {
          return;
        }
        expect(hex(payload.encode())).toBe(hex(input));
      }),
      { numRuns: 2_000 },
    );
  });

  it("merges by taking the larger, in any order", () => {
    const values = fc.integer({ min: 0, max: PHYSICAL_MS_MAX });
    fc.assert(
      fc.property(values, fc.array(values), (start, proposals) => {
        const apply = (list: readonly number[]): number =>
          list.reduce((high, value) => new AdvancePayload(value).merge(physicalMs(high)), start);
        expect(apply(proposals)).toBe(Math.max(start, ...proposals));
        expect(apply([...proposals].reverse())).toBe(apply(proposals));
        expect(apply([...proposals, ...proposals])).toBe(apply(proposals));
      }),
    );
  });
});

describe("rejectOutOfRangeAdvance", () => {
  it.each([0, 1, PHYSICAL_MS_MAX])("lets %i pass", (value) => {
    expect(() => rejectOutOfRangeAdvance(value)).not.toThrow();
  });

  it.each([PHYSICAL_MS_MAX + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "5", 5n, undefined])(
    "refuses %s and names the limit",
    (value) => {
      expect(() => rejectOutOfRangeAdvance(value as number)).toThrow("exceeds the 46-bit physical_ms maximum");
      expect(() => new AdvancePayload(value as number)).toThrow("[out_of_range]");
    },
  );
});
