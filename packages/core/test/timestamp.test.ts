// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CoreError,
  type CoreErrorCode,
  epoch,
  LOGICAL_MAX,
  PHYSICAL_MS_MAX,
  packTimestamp,
  parseTimestamp,
  Timestamp,
  timestampFromBytes,
  timestampToBytes,
  U64_MAX,
  unpackTimestamp,
} from "../src/index.ts";

/** The code of the CoreError that `run` throws. */
function codeOf(run: () => unknown): CoreErrorCode | "no error" {
  try {
    run();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "no error";
}

/** An independent packing: two halves written into bytes, no shifts of the packed value. */
function packByBytes(physical: number, logical: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  // 46 bits of milliseconds followed by 18 bits of counter: the low 32-bit word holds the last 14 of the former.
  view.setUint32(0, Math.floor(physical / 2 ** 14));
  view.setUint32(4, (physical % 2 ** 14) * 2 ** 18 + logical);
  return view.getBigUint64(0);
}

const physicals = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 14 - 1, 2 ** 14, 2 ** 32, PHYSICAL_MS_MAX - 1, PHYSICAL_MS_MAX),
  fc.integer({ min: 0, max: PHYSICAL_MS_MAX }),
);
const logicals = fc.oneof(
  fc.constantFrom(0, 1, LOGICAL_MAX - 1, LOGICAL_MAX),
  fc.integer({ min: 0, max: LOGICAL_MAX }),
);
const timestamps = fc.tuple(physicals, logicals).map(([physical, logical]) => new Timestamp(physical, logical));

describe("packTimestamp", () => {
  it.each([
    [0, 0, 0n],
    [0, 1, 1n],
    [0, LOGICAL_MAX, 262_143n],
    [1, 0, 262_144n],
    [1_700_000_000_000, 7, 445_644_800_000_000_007n],
    [PHYSICAL_MS_MAX, 0, 18_446_744_073_709_289_472n],
    [PHYSICAL_MS_MAX, LOGICAL_MAX, U64_MAX],
  ])("packs (%i, %i) as %i", (physical, logical, packed) => {
    expect(packTimestamp(physical, logical)).toBe(packed);
    expect(unpackTimestamp(packed)).toEqual({ physicalMs: physical, logical });
  });

  it.each([PHYSICAL_MS_MAX + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])(
    "refuses %d as a physical part",
    (physical) => {
      expect(codeOf(() => packTimestamp(physical, 0))).toBe("physical_ms_out_of_range");
      expect(codeOf(() => new Timestamp(physical, 0))).toBe("physical_ms_out_of_range");
    },
  );

  it.each([LOGICAL_MAX + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses %d as a logical part",
    (logical) => {
      expect(codeOf(() => packTimestamp(0, logical))).toBe("logical_out_of_range");
      expect(codeOf(() => new Timestamp(0, logical))).toBe("logical_out_of_range");
    },
  );

  it("agrees with an independent packing over bytes", () => {
    fc.assert(
      fc.property(physicals, logicals, (physical, logical) => {
        const packed = packTimestamp(physical, logical);
        expect(packed).toBe(packByBytes(physical, logical));
        expect(packed).toBe(BigInt(physical) * 262_144n + BigInt(logical));
        expect(unpackTimestamp(packed)).toEqual({ physicalMs: physical, logical });
      }),
    );
  });

  it("reads negative zero as zero", () => {
    expect(Object.is(new Timestamp(-0, 0).physicalMs, 0)).toBe(true);
  });
});

describe("unpackTimestamp", () => {
  it.each([-1n, U64_MAX + 1n])("refuses %i", (packed) => {
    expect(codeOf(() => unpackTimestamp(packed))).toBe("timestamp_out_of_range");
    expect(codeOf(() => timestampToBytes(packed))).toBe("timestamp_out_of_range");
    expect(codeOf(() => Timestamp.fromValue(packed))).toBe("timestamp_out_of_range");
  });

  it("is total on unsigned 64-bit integers", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: U64_MAX }), (packed) => {
        const { physicalMs, logical } = unpackTimestamp(packed);
        expect(packTimestamp(physicalMs, logical)).toBe(packed);
      }),
    );
  });
});

describe("Timestamp", () => {
  it("orders as its packed value does, whatever the epoch", () => {
    fc.assert(
      fc.property(timestamps, timestamps, (a, b) => {
        const other = new Timestamp(b.physicalMs, b.logical, epoch(9n));
        const expected = a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
        expect(Math.sign(a.compare(other))).toBe(expected);
        expect(Math.sign(Timestamp.compare(a, other))).toBe(expected);
      }),
    );
  });

  it("has bytes that compare as timestamps compare", () => {
    fc.assert(
      fc.property(timestamps, timestamps, (a, b) => {
        const order = Buffer.compare(Buffer.from(a.toBytes()), Buffer.from(b.toBytes()));
        expect(order).toBe(Math.sign(a.compare(b)));
      }),
    );
  });

  it("says its packed value in decimal as text and as JSON", () => {
    const timestamp = new Timestamp(1, 2);
    expect(String(timestamp)).toBe("262146");
    expect(JSON.stringify({ at: timestamp })).toBe('{"at":"262146"}');
  });

  it("shows the largest physical part as the date that the reference names", () => {
    expect(new Timestamp(PHYSICAL_MS_MAX, 0).toDate().toISOString()).toBe("4199-11-24T01:22:57.663Z");
  });

  it("keeps the epoch that it was given, and zero otherwise", () => {
    expect(Timestamp.fromValue(5n, epoch(7n)).epoch).toBe(7n);
    expect(Timestamp.fromValue(5n).epoch).toBe(0n);
  });
});

describe("timestamp bytes and text", () => {
  it("writes eight bytes, the most significant first", () => {
    expect([...timestampToBytes(0x01_02_03_04_05_06_07_08n)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("reads from inside a larger buffer", () => {
    const outer = Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 5, 9);
    expect(timestampFromBytes(outer.subarray(1, 9))).toBe(5n);
  });

  it.each([0, 7, 9])("refuses %i bytes", (length) => {
    expect(codeOf(() => timestampFromBytes(new Uint8Array(length)))).toBe("timestamp_malformed");
  });

  it.each([
    ["0", 0n],
    ["18446744073709551615", U64_MAX],
    ["0xff", 255n],
    ["0xFFFFFFFFFFFFFFFF", U64_MAX],
  ])("reads %s", (text, packed) => {
    expect(parseTimestamp(text)).toBe(packed);
  });

  it.each([
    "",
    " 1",
    "1 ",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x",
    "x",
    "1n",
    "1_000",
    "0b1",
    "0xfffffffffffffffff",
    "000000000000000000001",
  ])("refuses %j as malformed", (text) => {
    expect(codeOf(() => parseTimestamp(text))).toBe("timestamp_malformed");
  });

  it("refuses 2^64 as out of range", () => {
    expect(codeOf(() => parseTimestamp("18446744073709551616"))).toBe("timestamp_out_of_range");
  });
});
