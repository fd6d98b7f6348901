// SPDX-License-Identifier: Apache-2.0
import {
  epoch,
  LOGICAL_MAX,
  MAX_TIMESTAMPS_PER_RPC,
  PHYSICAL_MS_MAX,
  U64_MAX,
  U128_MAX,
  WindowGrant,
} from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EpochWire,
  epochFromHiLo,
  epochFromWire,
  epochToWire,
  fieldsOfResponse,
  GetSeqResponse,
  grantFromResponse,
  grantToResponse,
  WireError,
} from "../src/index.ts";

const anyEpoch = fc.bigInt({ min: 0n, max: U128_MAX }).map(epoch);

describe("epoch on the wire", () => {
  it("survives the round trip in both forms", () => {
    fc.assert(
      fc.property(anyEpoch, (value) => {
        const wire = epochToWire(value);
        expect(wire.hi <= U64_MAX && wire.lo <= U64_MAX).toBe(true);
        expect(epochFromWire(EpochWire.decode(EpochWire.encode(wire).finish()))).toBe(value);
        expect(epochFromHiLo(wire.hi, wire.lo)).toBe(value);
      }),
    );
  });

  it("tells an absent epoch from epoch zero", () => {
    expect(epochFromWire(undefined)).toBeUndefined();
    expect(epochFromWire(GetSeqResponse.decode(Buffer.from("2200", "hex")).epoch)).toBe(0n);
    expect(epochFromWire(GetSeqResponse.decode(new Uint8Array(0)).epoch)).toBeUndefined();
  });

  it("drops bits that a half cannot have", () => {
    expect(epochFromHiLo(1n << 64n, (1n << 64n) | 5n)).toBe(5n);
    expect(epochFromHiLo(-1n, 0n)).toBe(U64_MAX << 64n);
  });
});

describe("grants on the wire", () => {
  it("survives the round trip", () => {
    const grant = fc
      .tuple(fc.integer({ min: 0, max: PHYSICAL_MS_MAX }), fc.integer({ min: 0, max: LOGICAL_MAX }), fc.nat(), anyEpoch)
      .map(
        ([physical, start, extra, value]) =>
          new WindowGrant(physical, start, 1 + (extra % (LOGICAL_MAX - start + 1)), value),
      );
    fc.assert(
      fc.property(grant, (value) => {
        expect(grantFromResponse(fieldsOfResponse(grantToResponse(value)), value.count)).toEqual(value);
      }),
    );
  });

  const fields = { physicalMs: 10, logicalStart: 0, count: 3, epoch: epoch(1n) };
  it.each([
    ["fewer timestamps than asked for", fields, 4],
    ["more timestamps than asked for", fields, 2],
    ["none", { ...fields, count: 0 }, 0],
    ["a block beyond 18 bits", { ...fields, logicalStart: LOGICAL_MAX - 1 }, 3],
    ["a physical part beyond 46 bits", { ...fields, physicalMs: PHYSICAL_MS_MAX + 1 }, 3],
    ["more than a millisecond holds", { ...fields, count: MAX_TIMESTAMPS_PER_RPC + 1 }, MAX_TIMESTAMPS_PER_RPC + 1],
  ])("refuses %s", (_name, response, requested) => {
    expect(() => grantFromResponse(response, requested)).toThrow(WireError);
    expect(() => grantFromResponse(response, requested)).toThrow(/^\[invalid_response\]/);
  });

  it("takes the last timestamp of the last millisecond", () => {
    const last = { physicalMs: PHYSICAL_MS_MAX, logicalStart: LOGICAL_MAX, count: 1, epoch: epoch(0n) };
    expect(grantFromResponse(last, 1).last()).toBe(U64_MAX);
  });
});
