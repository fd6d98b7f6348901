// SPDX-License-Identifier: Apache-2.0
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { epoch, U64_MAX } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeGetTsRequest,
  decodeGetTsResponse,
  encodeGetTsRequest,
  encodeGetTsResponse,
  fieldsOfResponse,
  GetTsRequest,
  GetTsResponse,
  WireError,
} from "../src/index.ts";

const u32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.constantFrom(0, 1, 127, 128, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
);
const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: U64_MAX }),
  fc.bigInt({ min: 0n, max: 300n }),
  fc.constantFrom(0n, U64_MAX),
);
const physical = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 46 - 1, 2 ** 53 - 1));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => Buffer.from(text, "hex");

/** One field as a peer of another version may send it: any number, any wire type. */
const foreignField = fc
  .tuple(fc.integer({ min: 1, max: 2000 }), fc.constantFrom(0, 1, 2, 5), fc.uint8Array({ maxLength: 20 }), u64)
  .map(([number, wireType, payload, value]) => {
    const writer = new BinaryWriter().uint32(((number << 3) | wireType) >>> 0);
    if (wireType === 0) writer.uint64(value);
    else if (wireType === 1) writer.fixed64(value);
    else if (wireType === 2) writer.bytes(payload);
    else writer.fixed32(Number(value & 0xffff_ffffn));
    return writer.finish();
  });

/** Fields of the response, in any order, repeated, with foreign ones between them. */
const shuffledResponse = fc
  .array(
    fc.oneof(
      foreignField,
      fc.tuple(fc.integer({ min: 1, max: 5 }), u64).map(([number, value]) =>
        new BinaryWriter()
          .uint32(number << 3)
          .uint64(value)
          .finish(),
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

/** What the hand-written decoder gives for a decoded generated message. */
const expectSame = (encoded: Uint8Array): void => {
  const expected = GetTsResponse.decode(encoded);
  const actual = decodeGetTsResponse(encoded);
  if (expected.physicalMs < 2n ** 53n) expect(actual).toEqual(fieldsOfResponse(expected));
  else {
    expect(actual.physicalMs).toBeGreaterThanOrEqual(2 ** 53);
    expect({ ...actual, physicalMs: 0 }).toEqual({ ...fieldsOfResponse(expected), physicalMs: 0 });
  }
};

describe("hand-written GetTs codec against the generated one", () => {
  it("writes the same request bytes and reads them back", () => {
    fc.assert(
      fc.property(u32, (count) => {
        const encoded = encodeGetTsRequest(count);
        expect(hex(encoded)).toBe(hex(GetTsRequest.encode({ count }).finish()));
        expect(decodeGetTsRequest(encoded)).toBe(count);
      }),
      { numRuns: 2000 },
    );
  });

  it("writes the same response bytes and reads them back", () => {
    fc.assert(
      fc.property(physical, u32, u32, u64, u64, (physicalMs, logicalStart, count, epochHi, epochLo) => {
        const message = { physicalMs: BigInt(physicalMs), logicalStart, count, epochHi, epochLo };
        const fields = fieldsOfResponse(message);
        const encoded = encodeGetTsResponse(fields);
        expect(hex(encoded)).toBe(hex(GetTsResponse.encode(message).finish()));
        expect(decodeGetTsResponse(encoded)).toEqual(fields);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads fields in any order, repeated and between unknown ones alike", () => {
    fc.assert(
      fc.property(shuffledResponse, (encoded) => {
        expectSame(encoded);
        expect(decodeGetTsRequest(encoded)).toBe(GetTsRequest.decode(encoded).count);
      }),
      { numRuns: 2000 },
    );
  });

  it("accepts no bytes that the generated one refuses, reads the rest alike, and is stricter only on purpose", () => {
    // The generated decoder stops at tag zero and at a stray end of group, takes tags of more than 32
    // bits and lets a skipped varint or length run on; protobuf forbids all of these.
    let accepted = 0;
    let refused = 0;
    const seeds = fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc
        .array(fc.constantFrom(0x08, 0x10, 0x18, 0x20, 0x28, 0x0b, 0x0c, 0x2d, 0x80, 0x01, 0xff, 0x32, 0x02), {
          maxLength: 16,
        })
        .map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(seeds, (encoded) => {
        let error: unknown;
        try {
          decodeGetTsResponse(encoded);
        } catch (caught) {
          error = caught;
        }
        if (error === undefined) {
          accepted += 1;
          expectSame(encoded);
          return;
        }
        refused += 1;
        expect(error).toBeInstanceOf(WireError);
        expect(error).toMatchObject({ code: "malformed" });
        const onPurpose = /field tag|end of group|that never began|longer one|nested groups|in the middle of a field/;
        expect(String(error)).toMatch(onPurpose);
        if (/in the middle of a field/.test(String(error))) {
          // The only truncation that the generated decoder may miss is behind a place where it stopped or a length that it cut.
          let lenient = true;
          try {
            GetTsResponse.decode(encoded);
          } catch {
            lenient = false;
          }
          if (lenient) expect(encoded.some((byte) => byte === 0 || (byte & 7) === 4 || (byte & 7) === 2)).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(200);
  });

  it("agrees on every prefix and every single-byte change of a real answer", () => {
    const encoded = encodeGetTsResponse({
      physicalMs: 1_764_000_000_000,
      logicalStart: 200_000,
      count: 1_000,
      epoch: epoch((7n << 64n) | 300n),
    });
    const outcome = (decode: () => unknown): string => {
      try {
        return JSON.stringify(decode(), (_key, value) => (typeof value === "bigint" ? value.toString() : value));
      } catch {
        return "refused";
      }
    };
    for (let length = 0; length < encoded.length; length += 1) {
      const prefix = encoded.subarray(0, length);
      expect(outcome(() => decodeGetTsResponse(prefix))).toBe(
        outcome(() => fieldsOfResponse(GetTsResponse.decode(prefix))),
      );
    }
    // The first byte is a tag and the second the first byte of its value: changes of the value stay readable.
    for (let byte = 0; byte < 256; byte += 1) {
      const changed = Buffer.from(encoded);
      changed[1] = byte;
      const generated = outcome(() => fieldsOfResponse(GetTsResponse.decode(changed)));
      const own = outcome(() => decodeGetTsResponse(changed));
      expect([generated, "refused"]).toContain(own);
    }
  });
});

describe("hand-written GetTs codec by itself", () => {
  it.each([
    ["empty", "", 0],
    ["one", "0801", 1],
    ["the largest request", "08808010", 262_144],
    ["the last of two", "08010802", 2],
    ["64 bits, truncated to 32", "08ffffffffffffffffff01", 0xffff_ffff],
    ["a wrong wire type, skipped", "0d01000000", 0],
    ["an unknown group, skipped", "130801140803", 3],
  ])("reads a request: %s", (_name, encoded, count) => {
    expect(decodeGetTsRequest(bytes(encoded))).toBe(count);
  });

  it.each([
    ["a varint that ends early", "0880", /in the middle/],
    ["a varint of eleven bytes", "088080808080808080808001", /at most 10 bytes/],
    ["field number zero", "00", /field tag/],
    ["wire type 6", "0e", /field tag/],
    ["a tag above 32 bits", "88808080100f", /field tag/],
    ["a stray end of group", "0c", /never began/],
    ["the end of another group", "131c", /group/],
    ["a group without end", "13", /in the middle/],
    ["a length beyond the end", "12050102", /in the middle/],
    ["a length beyond memory", "12ffffffffffffffff7f", /in the middle/],
    ["a fixed64 cut short", "1101020304", /in the middle/],
  ])("refuses %s", (_name, encoded, message) => {
    for (const decode of [decodeGetTsRequest, decodeGetTsResponse]) {
      expect(() => decode(bytes(encoded))).toThrow(WireError);
      expect(() => decode(bytes(encoded))).toThrow(message);
    }
  });

  it("bounds nested groups", () => {
    const nested = (depth: number): Uint8Array => Buffer.concat([Buffer.alloc(depth, 0x33), Buffer.alloc(depth, 0x34)]);
    expect(decodeGetTsRequest(nested(100))).toBe(0);
    expect(() => decodeGetTsRequest(nested(101))).toThrow(/nested groups/);
  });

  it("forgets nothing of one message in the next", () => {
    const first = encodeGetTsResponse({ physicalMs: 5, logicalStart: 6, count: 7, epoch: epoch(8n) });
    expect(decodeGetTsResponse(first).epoch).toBe(8n);
    expect(decodeGetTsResponse(bytes("1801"))).toEqual({ physicalMs: 0, logicalStart: 0, count: 1, epoch: 0n });
    expect(hex(encodeGetTsResponse({ physicalMs: 0, logicalStart: 0, count: 1, epoch: epoch(0n) }))).toBe("1801");
    expect(decodeGetTsResponse(first).epoch).toBe(8n);
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 32])("refuses to write count %s", (count) => {
    expect(() => encodeGetTsRequest(count)).toThrow(WireError);
    expect(() => encodeGetTsResponse({ physicalMs: 1, logicalStart: 0, count, epoch: epoch(0n) })).toThrow(/count/);
  });

  it("refuses to write a physical part that is not exact", () => {
    const fields = { logicalStart: 0, count: 1, epoch: epoch(0n) };
    expect(() => encodeGetTsResponse({ ...fields, physicalMs: 2 ** 53 })).toThrow(/physical_ms/);
    expect(() => encodeGetTsResponse({ ...fields, physicalMs: 0.5 })).toThrow(/physical_ms/);
  });
});
