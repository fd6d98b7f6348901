// SPDX-License-Identifier: Apache-2.0
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  GetSeqBatchRequest,
  GetSeqRequest,
  GetSeqResponse,
  grpcService,
  LeaderHint,
  LoadSeqRequest,
  TsoServiceDefinition,
  WireError,
} from "../src/index.ts";

/** Field 1 with these bytes. */
const fieldOne = (...bytes: number[]): Buffer => Buffer.from([0x0a, bytes.length, ...bytes]);

describe("strings on the wire", () => {
  it.each([
    ["a byte that no UTF-8 has", [0xff]],
    ["a sequence that is cut off", [0xc3]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a longer form than needed", [0xc0, 0x80]],
  ])("are refused in every message when they hold %s", (_what, bytes) => {
    for (const codec of [GetSeqRequest, GetSeqResponse, LoadSeqRequest, LeaderHint]) {
      expect(() => codec.decode(fieldOne(...bytes))).toThrow(WireError);
    }
    expect(() => GetSeqBatchRequest.decode(fieldOne(...fieldOne(...bytes)))).toThrow(
      /^\[malformed\] expected a string/,
    );
    expect(() => grpcService(TsoServiceDefinition).getSeq.requestDeserialize(fieldOne(...bytes))).toThrow(WireError);
  });

  it("are told apart whenever their bytes differ, a byte order mark included", () => {
    expect(GetSeqRequest.decode(fieldOne(0xef, 0xbb, 0xbf, 0x61)).key).toBe("\ufeffa");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (key) => {
        expect(GetSeqRequest.decode(GetSeqRequest.encode({ key, count: 1 }).finish()).key).toBe(key);
      }),
    );
  });

  it("leave other users of the protobuf library as they were", () => {
    expect(() => GetSeqRequest.decode(fieldOne(0xff))).toThrow(WireError);
    const other = new BinaryReader(new BinaryWriter().bytes(Uint8Array.of(0xff)).finish());
    expect(other.string()).toBe("\ufffd");
  });
});
