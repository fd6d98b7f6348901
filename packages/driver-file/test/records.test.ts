// SPDX-License-Identifier: Apache-2.0
import { type LeaseRecord, parseSeqKey, physicalMs } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../src/crc32c.ts";
import { type DenseEntry, decodeDense, EMPTY_DENSE, encodeDense } from "../src/dense-record.ts";
import { FileDriverError } from "../src/file-driver-error.ts";
import { decodeLeases, encodeLeases } from "../src/lease-record.ts";
import { decodeState, encodeState } from "../src/state-record.ts";
import { denseRecords, highWaters, leaseSets } from "./arbitraries.ts";

const PATH = "/var/lib/oracle/file";
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Replaces the last four bytes by the right checksum, so that only the structure is wrong. */
function resealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(copy.length - 4, crc32c(copy.subarray(0, -4)), true);
  return copy;
}

function withBytes(bytes: Uint8Array, offset: number, values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return copy;
}

function refusal(decode: () => unknown): FileDriverError {
  try {
    decode();
  } catch (error) {
    if (error instanceof FileDriverError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

function entry(text: string, next: bigint): DenseEntry {
  const parsed = parseSeqKey(text);
  if (!parsed.ok) throw new Error(`not a key: ${text}`);
  return { key: parsed.key, keyBytes: new TextEncoder().encode(text), next };
}

const lease: LeaseRecord = {
  leaseId: 7n,
  holder: Uint8Array.of(1, 2, 3),
  holderEpoch: 4n,
  ttlMs: 5_000n,
  tsUpperBound: 9n,
  expiresAtMs: 2n ** 64n - 1n,
  superseded: true,
};

describe("the bytes of the reference", () => {
  it.each([
    [0, "54534f52010000000000000000806671bc"],
    [12_345, "54534f520139300000000000004b0a009f"],
    [2 ** 46 - 1, "54534f5201ffffffffff3f0000851fe23a"],
  ])("state %i", (value, expected) => {
    expect(hex(encodeState(physicalMs(value)))).toBe(expected);
    expect(decodeState(bytesOf(expected), PATH)).toBe(value);
  });

  it("dense, empty", () => {
    const expected = "54534f44011027000000000000000000006e704459";
    expect(hex(encodeDense(EMPTY_DENSE))).toBe(expected);
    expect(decodeDense(bytesOf(expected), PATH)).toEqual({ cap: 10_000n, entries: [] });
  });

  it("leases, empty", () => {
    const expected = "54534f4f010000000078dff47d";
    expect(hex(encodeLeases([]))).toBe(expected);
    expect(decodeLeases(bytesOf(expected), PATH)).toEqual([]);
  });

  it("a dense entry is length, key, next value", () => {
    const bytes = encodeDense({ cap: 2n, entries: [entry("é", 258n)] });
    expect(hex(bytes.subarray(0, -4))).toBe(
      "54534f44" + "01" + "0200000000000000" + "01000000" + "0200" + "c3a9" + "0201000000000000",
    );
  });

  it("a lease entry is id, holder, holder epoch, ttl, bound, expiry, flag", () => {
    const bytes = encodeLeases([lease]);
    const fields = [
      "0700000000000000",
      "0300",
      "010203",
      "0400000000000000",
      "8813000000000000",
      "0900000000000000",
      "ffffffffffffffff",
      "01",
    ];
    expect(hex(bytes.subarray(0, -4))).toBe(`54534f4f${"01"}01000000${fields.join("")}`);
  });
});

describe("refused records", () => {
  const state = encodeState(physicalMs(12_345));
  const dense = encodeDense({ cap: 10n, entries: [entry("a", 1n), entry("b", 2n)] });
  const leases = encodeLeases([lease, { ...lease, leaseId: 8n }]);
  /** Offsets of the first entries. */
  const denseEntry = 17;
  const leaseEntry = 9;

  it.each([
    ["an empty state", () => decodeState(new Uint8Array(0), PATH), "too_short", "got 0"],
    ["a short state", () => decodeState(state.subarray(0, 16), PATH), "too_short", "at least 17 bytes, got 16"],
    ["a state with another magic", () => decodeState(withBytes(state, 0, [0x58]), PATH), "bad_magic", "TSOR"],
    ["a dense file as state", () => decodeState(dense, PATH), "bad_magic", "TSOR"],
    ["a later state", () => decodeState(withBytes(state, 4, [2]), PATH), "unsupported_version", "version 2"],
    ["a rotten state", () => decodeState(withBytes(state, 6, [0]), PATH), "checksum_mismatch", "checksum"],
    ["bytes after a state", () => decodeState(Uint8Array.of(...state, 0), PATH), "trailing_bytes", "17 bytes, got 18"],
    [
      "a state above 46 bits",
      () => decodeState(resealed(withBytes(state, 5, [0, 0, 0, 0, 0, 0x40, 0, 0])), PATH),
      "physical_ms_out_of_range",
      "70368744177664",
    ],
    [
      "a state that rounds to another number",
      () => decodeState(resealed(withBytes(state, 5, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])), PATH),
      "physical_ms_out_of_range",
      "18446744073709551615",
    ],
    ["a short dense file", () => decodeDense(dense.subarray(0, 20), PATH), "too_short", "at least 21 bytes, got 20"],
    ["a dense file with another magic", () => decodeDense(withBytes(dense, 3, [0x52]), PATH), "bad_magic", "TSOD"],
    ["a later dense file", () => decodeDense(withBytes(dense, 4, [0]), PATH), "unsupported_version", "version 0"],
    ["a rotten dense file", () => decodeDense(withBytes(dense, 19, [0x63]), PATH), "checksum_mismatch", "checksum"],
    ["bytes after a dense file", () => decodeDense(Uint8Array.of(...dense, 0), PATH), "checksum_mismatch", "checksum"],
    [
      "bytes after the last counter",
      () => decodeDense(resealed(withBytes(dense, 13, [1, 0, 0, 0])), PATH),
      "trailing_bytes",
      "11 bytes follow",
    ],
    [
      "more counters than bytes",
      () => decodeDense(resealed(withBytes(dense, 13, [3])), PATH),
      "malformed",
      "past the end",
    ],
    [
      "a key past the end",
      () => decodeDense(resealed(withBytes(dense, denseEntry, [0xff, 0xff])), PATH),
      "malformed",
      "past the end",
    ],
    [
      "keys out of order",
      () => decodeDense(resealed(withBytes(dense, denseEntry + 2, [0x63])), PATH),
      "malformed",
      "ascending",
    ],
    [
      "a key twice",
      () => decodeDense(resealed(withBytes(dense, denseEntry + 2, [0x62])), PATH),
      "malformed",
      "ascending",
    ],
    [
      "a key that is not UTF-8",
      () => decodeDense(resealed(withBytes(dense, denseEntry + 2, [0xff])), PATH),
      "non_utf8_key",
      "ff",
    ],
    [
      "an empty key",
      () => decodeDense(encodeDense({ cap: 1n, entries: [{ ...entry("a", 1n), keyBytes: new Uint8Array(0) }] }), PATH),
      "malformed",
      "1 to 128 bytes, got 0",
    ],
    [
      "a key of 129 bytes",
      () =>
        decodeDense(
          encodeDense({ cap: 1n, entries: [{ ...entry("a", 1n), keyBytes: new Uint8Array(129).fill(0x61) }] }),
          PATH,
        ),
      "malformed",
      "got 129",
    ],
    ["a short lease file", () => decodeLeases(leases.subarray(0, 12), PATH), "too_short", "at least 13 bytes, got 12"],
    ["a lease file with another magic", () => decodeLeases(withBytes(leases, 0, [0]), PATH), "bad_magic", "TSOO"],
    ["a later lease file", () => decodeLeases(withBytes(leases, 4, [9]), PATH), "unsupported_version", "version 9"],
    ["a rotten lease file", () => decodeLeases(withBytes(leases, 12, [1]), PATH), "checksum_mismatch", "checksum"],
    [
      "bytes after the last lease",
      () => decodeLeases(resealed(withBytes(leases, 5, [1])), PATH),
      "trailing_bytes",
      "46 bytes follow",
    ],
    [
      "more leases than bytes",
      () => decodeLeases(resealed(withBytes(leases, 5, [3])), PATH),
      "malformed",
      "past the end",
    ],
    [
      "leases out of order",
      () => decodeLeases(resealed(withBytes(leases, leaseEntry, [9])), PATH),
      "malformed",
      "ascending",
    ],
    ["a lease twice", () => decodeLeases(resealed(withBytes(leases, leaseEntry, [8])), PATH), "malformed", "ascending"],
    [
      "a flag of 2",
      () => decodeLeases(resealed(withBytes(leases, leaseEntry + 45, [2])), PATH),
      "malformed",
      "0 or 1, got 2",
    ],
  ] as const)("%s", (_, decode, code, reason) => {
    const error = refusal(decode);
    expect(error.code).toBe(code);
    expect(error.path).toBe(PATH);
    expect(error.message).toContain(PATH);
    expect(error.message).toContain(reason);
    expect(error.message).toContain("Restore the newest copy");
  });
});

/** One record format, with its values reduced to bytes so that all three fit one type. */
interface Format {
  readonly file: string;
  /** A valid file, and the same after decoding and encoding it again. */
  readonly valid: fc.Arbitrary<Uint8Array>;
  /** Decodes and encodes. */
  readonly again: (bytes: Uint8Array) => Uint8Array;
  readonly readsBack: () => void;
}

function format<T>(
  file: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array, path: string) => T,
): Format {
  return {
    file,
    valid: values.map(encode),
    again: (bytes) => encode(decode(bytes, PATH)),
    readsBack: () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(decode(encode(value), PATH)).toEqual(value);
        }),
      );
    },
  };
}

describe.each([
  format("state", highWaters, encodeState, decodeState),
  format("dense", denseRecords, encodeDense, decodeDense),
  format("leases", leaseSets, encodeLeases, (bytes, path) => [...decodeLeases(bytes, path)]),
])("any $file record", ({ valid, again, readsBack }) => {
  it("reads back as what was written", readsBack);

  it("is refused after any single bit flip", () => {
    fc.assert(
      fc.property(valid, (bytes) => {
        for (let bit = 0; bit < bytes.length * 8; bit += 1) {
          const flipped = bytes.slice();
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
          refusal(() => again(flipped));
        }
      }),
      { numRuns: 20 },
    );
  });

  it("is refused when cut short anywhere", () => {
    fc.assert(
      fc.property(valid, (bytes) => {
        for (let length = 0; length < bytes.length; length += 1) refusal(() => again(bytes.subarray(0, length)));
      }),
      { numRuns: 20 },
    );
  });

  it("is refused with anything after it", () => {
    fc.assert(
      fc.property(valid, fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes, tail) => {
        refusal(() => again(Uint8Array.of(...bytes, ...tail)));
      }),
    );
  });

  it("is canonical: forged content under a right checksum is refused, or is exactly what would be written", () => {
    fc.assert(
      fc.property(valid, fc.nat(), fc.integer({ min: 0, max: 255 }), (bytes, at, value) => {
        const forged = resealed(withBytes(bytes, 5 + (at % (bytes.length - 9)), [value]));
        try {
          expect(hex(again(forged))).toBe(hex(forged));
        } catch (error) {
          if (!(error instanceof FileDriverError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
