// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { formatListenAddress, parseListenAddress } from "../src/listen-address.ts";

describe("listen address", () => {
  it.each([
    ["127.0.0.1:50551", "127.0.0.1", 50_551],
    ["localhost:0", "localhost", 0],
    ["0.0.0.0:65535", "0.0.0.0", 65_535],
    ["[::1]:0", "::1", 0],
  ])("reads %s and writes it back", (text, host, port) => {
    const result = parseListenAddress(text);
    expect(result).toEqual({ ok: true, address: { host, port } });
    if (result.ok) expect(formatListenAddress(result.address)).toBe(text);
  });

  it.each([
    "",
    "127.0.0.1",
    ":50551",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:http",
    "::1:50551",
    "[::1]",
    "http://127.0.0.1:1",
    "a b:1",
    "a:1 ",
  ])("refuses %j", (text) => {
    expect(parseListenAddress(text)).toMatchObject({ ok: false, expected: expect.stringContaining("HOST:PORT") });
  });
});
