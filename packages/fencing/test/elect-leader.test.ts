// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareIds, electLeader, FenceValueError } from "../src/index.ts";

/** The order that a language gives for free, which is not the one that is asked for. */
const byUtf16 = (ids: readonly string[]): string | undefined => [...ids].sort()[0];

const byBytes = (ids: readonly string[]): string | undefined =>
  [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0];

const anId = fc.string({ unit: "binary", minLength: 1, maxLength: 6 }).filter((id) => !id.includes("\u0000"));
/** Ids around the place where the two orders differ. */
const anEdgeId = fc.string({
  unit: fc.constantFrom("a", "\u00e9", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"),
  minLength: 1,
  maxLength: 4,
});

describe("electLeader", () => {
  it("D1 elects the smallest id", () => {
    expect(electLeader(["node-c", "node-a", "node-b"])).toBe("node-a");
  });

  it("D2 elects nobody among none", () => {
    expect(electLeader([])).toBeUndefined();
  });

  it("D3 elects the next when the first is gone", () => {
    expect([electLeader(["a", "b", "c"]), electLeader(["b", "c"])]).toEqual(["a", "b"]);
  });

  it("D4 compares text, not numbers", () => {
    expect(electLeader(["node-2", "node-10"])).toBe("node-10");
  });

  it("puts a private-use character before one above U+FFFF, which sort() does not", () => {
    const ids = ["\u{1f600}", "\ue000"];
    expect(electLeader(ids)).toBe("\ue000");
    expect(byUtf16(ids)).toBe("\u{1f600}");
  });

  it("puts a prefix before what it begins", () => {
    expect(electLeader(["ab", "a", "aa"])).toBe("a");
  });

  it("is the minimum of the UTF-8 bytes, in any order and with duplicates", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anId, anEdgeId)), (ids) => {
        expect(electLeader(ids)).toBe(byBytes(ids));
        expect(electLeader([...ids].reverse().concat(ids))).toBe(byBytes(ids));
      }),
    );
  });

  it("orders any two ids as their bytes are ordered", () => {
    fc.assert(
      fc.property(fc.oneof(anId, anEdgeId), fc.oneof(anId, anEdgeId), (a, b) => {
        expect(Math.sign(compareIds(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it.each(["", "a\u0000", "\ud800", "x\udc00y", "\udbff", "\udfff"])(
    "refuses %j, which stores cannot tell from other ids",
    (id) => {
      expect(() => electLeader(["a", id])).toThrow(FenceValueError);
      expect(() => electLeader(["a", id])).toThrow("[id_invalid]");
    },
  );
});
