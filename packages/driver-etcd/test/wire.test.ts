// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  EQUAL,
  rangeResponse,
  TARGET_CREATE,
  TARGET_VALUE,
  txnRequest,
  txnResponse,
  watchRequest,
  watchResponse,
} from "../src/wire/messages.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const utf8 = new TextEncoder();

describe("the protocol subset, byte for byte", () => {
  it("writes a transaction as etcd's own schema has it", () => {
    const key = utf8.encode("k");
    const encoded = txnRequest.encode({
      compare: [
        { result: EQUAL, target: TARGET_CREATE, key, createRevision: 0n },
        { result: 2, target: TARGET_VALUE, key, value: bytes("01") },
      ],
      success: [{ put: { key, value: utf8.encode("v"), lease: 300n } }, { deleteRange: { key } }],
      failure: [{ range: { key } }],
    });
    const creates = "0a09 0800 1001 1a016b 2800";
    const values = "0a0a 0802 1003 1a016b 3a0101";
    const puts = "120b 1209 0a016b 120176 18ac02";
    const deletes = "1205 1a03 0a016b";
    const ranges = "1a05 0a03 0a016b";
    expect(hex(encoded)).toBe(`${creates}${values}${puts}${deletes}${ranges}`.replaceAll(" ", ""));
  });

  it("writes the filters of a watch packed", () => {
    const create = { key: utf8.encode("k"), startRevision: 5n, filters: [0] };
    expect(hex(watchRequest.encode({ create }))).toBe("0a080a016b18052a0100");
  });

  it("reads absent fields as zero, and skips those that it does not know", () => {
    expect(rangeResponse.decode(bytes(""))).toEqual({
      header: { clusterId: 0n, memberId: 0n, revision: 0n },
      kvs: [],
      more: false,
      count: 0n,
    });
    // Field 9 as varint and field 10 as bytes, between a header and a count.
    const known = rangeResponse.decode(bytes("0a02 1807 4805 520161 2003"));
    expect(known).toMatchObject({ header: { revision: 7n }, count: 3n });
  });

  it("reads 64-bit numbers exactly", () => {
    const clusterId = 0xfedc_ba98_7654_3210n;
    const response = txnResponse.decode(bytes("0a0b 0890e4d0b287d3aeeefe01 1001 1a04 0a022005"));
    expect(response.header.clusterId).toBe(clusterId);
    expect(response.succeeded).toBe(true);
    expect(response.responses[0]?.range?.count).toBe(5n);
  });

  it("reads every event of a watch, and how it was cancelled", () => {
    const response = watchResponse.decode(bytes("2001 2809 5a05 0801 12010a 5a00").subarray(0, 4));
    expect(response).toMatchObject({ canceled: true, compactRevision: 9n, events: [] });
    const events = watchResponse.decode(bytes("5a07 0801 1203 0a016b 5a05 1203 0a016c")).events;
    expect(events.map(({ type, kv }) => [type, Buffer.from(kv.key).toString()])).toEqual([
      [1, "k"],
      [0, "l"],
    ]);
  });

  it("refuses bytes that end in the middle", () => {
    expect(() => rangeResponse.decode(bytes("0a05 18"))).toThrow(RangeError);
  });
});
