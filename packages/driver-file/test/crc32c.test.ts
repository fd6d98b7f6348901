// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { crc32c } from "../src/crc32c.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("crc32c", () => {
  // The check value of the algorithm, and the vectors of RFC 3720 B.4.
  it.each([
    ["the check string", ascii("123456789"), 0xe306_9283],
    ["nothing", new Uint8Array(0), 0],
    ["32 zeroes", new Uint8Array(32), 0x8a91_36aa],
    ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    ["ascending bytes", Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd_794e],
    ["descending bytes", Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113f_db5c],
  ])("is the published value for %s", (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});
