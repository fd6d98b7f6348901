// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DenseTable,
  parseSeqKey,
  type SeqEntry,
  type SeqKey,
  U64_MAX,
  utf8Length,
  validateSeqRequest,
} from "../src/index.ts";

function key(text: string): SeqKey {
  const result = parseSeqKey(text);
  if (!result.ok) throw new Error(result.reason);
  return result.key;
}

describe("parseSeqKey", () => {
  it.each(["a", " ", "\0", "a".repeat(128), "é".repeat(64), "🙂".repeat(32)])("accepts %j", (text) => {
    expect(parseSeqKey(text)).toEqual({ ok: true, key: text });
  });

  it.each([
    ["a".repeat(129), 129],
    ["é".repeat(65), 130],
    ["🙂".repeat(33), 132],
  ])("counts bytes and not characters: refuses %j", (text, bytes) => {
    expect(parseSeqKey(text)).toEqual({ ok: false, reason: "seq_key_too_long", bytes, max: 128 });
  });

  it("refuses the empty key, and text that has no UTF-8 form", () => {
    expect(parseSeqKey("")).toEqual({ ok: false, reason: "seq_key_empty" });
    expect(parseSeqKey("a\ud800b")).toEqual({ ok: false, reason: "seq_key_not_utf8" });
    expect(parseSeqKey("\udc00\ud800")).toEqual({ ok: false, reason: "seq_key_not_utf8" });
  });

  it("counts bytes as an encoder does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });
});

describe("validateSeqRequest", () => {
  it("checks a zero count, then a large count, then the key", () => {
    expect(validateSeqRequest("", 0, 10)).toEqual({ ok: false, reason: "seq_count_zero" });
    expect(validateSeqRequest("", 11, 10)).toEqual({ ok: false, reason: "seq_count_too_large", count: 11, max: 10 });
    expect(validateSeqRequest("", 10, 10)).toEqual({ ok: false, reason: "seq_key_empty" });
    expect(validateSeqRequest("k", 10, 10)).toEqual({ ok: true, entry: { key: "k", count: 10 } });
  });

  it.each([-1, 1.5, Number.NaN])("refuses a count of %d", (count) => {
    expect(validateSeqRequest("k", count, 10).ok).toBe(false);
  });
});

describe("DenseTable", () => {
  it("gives adjacent blocks to a key that stands twice in one batch", () => {
    const table = new DenseTable();
    const advance = table.prepare([
      { key: key("a"), count: 2 },
      { key: key("b"), count: 1 },
      { key: key("a"), count: 3 },
    ]);
    expect(advance).toEqual({
      ok: true,
      starts: [0n, 0n, 2n],
      updates: new Map([
        ["a", 5n],
        ["b", 1n],
      ]),
    });
    expect(table.next(key("a"))).toBe(0n);
  });

  it("counts distinct new keys against the cap, and lets known keys go on at the cap", () => {
    const table = new DenseTable([[key("a"), 7n]], 2);
    const a = { key: key("a"), count: 1 };
    expect(table.prepare([a, { key: key("b"), count: 1 }, { key: key("b"), count: 1 }]).ok).toBe(true);
    expect(table.prepare([a, { key: key("b"), count: 1 }, { key: key("c"), count: 1 }])).toEqual({
      ok: false,
      reason: "cardinality_exceeded",
      cap: 2,
    });
    expect(new DenseTable([[key("a"), 7n]], 1).prepare([a]).ok).toBe(true);
    expect(new DenseTable([], 0).prepare([]).ok).toBe(true);
  });

  it("lets a counter reach 2^64-1 exactly and no further", () => {
    const table = new DenseTable([[key("a"), U64_MAX - 1n]]);
    const one = { key: key("a"), count: 1 };
    expect(table.prepare([one])).toMatchObject({ ok: true, starts: [U64_MAX - 1n] });
    expect(table.prepare([one, one])).toEqual({ ok: false, reason: "overflow", key: "a" });
  });

  it.each([0, -1, 1.5, Number.NaN])("takes a count of %d for a defect", (count) => {
    expect(() => new DenseTable().prepare([{ key: key("a"), count }])).toThrow("at least one value");
  });

  it("refuses an update that would turn any counter back, and takes over none of it", () => {
    const table = new DenseTable([[key("a"), 5n]]);
    expect(() =>
      table.commit(
        new Map([
          [key("b"), 9n],
          [key("a"), 4n],
        ]),
      ),
    ).toThrow("never goes back");
    expect([table.next(key("a")), table.next(key("b"))]).toEqual([5n, 0n]);
  });

  it("agrees with lists that are appended to", () => {
    const entry: fc.Arbitrary<SeqEntry> = fc.record({
      key: fc.constantFrom("a", "b", "c", "d").map(key),
      count: fc.integer({ min: 1, max: 4 }),
    });
    const batch = fc.record({ entries: fc.array(entry, { maxLength: 4 }), durable: fc.boolean() });
    fc.assert(
      fc.property(fc.array(batch), fc.integer({ min: 0, max: 4 }), (batches, cap) => {
        const table = new DenseTable([], cap);
        let lists = new Map<string, number[]>();
        for (const { entries, durable } of batches) {
          const scratch = new Map([...lists].map(([name, list]): [string, number[]] => [name, [...list]]));
          const starts = entries.map(({ key: name, count }) => {
            const list = scratch.get(name) ?? [];
            scratch.set(name, list);
            const start = list.length;
            for (let index = 0; index < count; index += 1) list.push(start + index);
            return BigInt(start);
          });
          const fits = scratch.size <= cap || scratch.size === lists.size;
          const advance = table.prepare(entries);
          expect(advance.ok).toBe(fits);
          if (!advance.ok) continue;
          expect(advance.starts).toEqual(starts);
          if (!durable) continue;
          table.commit(advance.updates);
          lists = scratch;
        }
        expect(new Map(table.entries())).toEqual(
          new Map([...lists].map(([name, list]): [string, bigint] => [name, BigInt(list.length)])),
        );
        expect(table.size).toBe(lists.size);
      }),
    );
  });
});
