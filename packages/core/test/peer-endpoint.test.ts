// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { parsePeerEndpoint, peerEndpoint } from "../src/index.ts";

describe("parsePeerEndpoint", () => {
  it.each(["localhost:1", "10.0.0.1:50551", "[::1]:50551", "::1:50551", "a.example:65535", "a:b:80", "HTTP://x:1"])(
    "accepts %s",
    (text) => {
      expect(parsePeerEndpoint(text)).toEqual({ ok: true, endpoint: text });
      expect(peerEndpoint(text)).toBe(text);
    },
  );

  it.each([
    ["", "endpoint_empty"],
    ["http://localhost:1", "endpoint_scheme"],
    ["https://localhost", "endpoint_scheme"],
    ["http://", "endpoint_scheme"],
    ["localhost", "endpoint_missing_port"],
    [":50551", "endpoint_empty_host"],
    [":", "endpoint_empty_host"],
    ["localhost:", "endpoint_invalid_port"],
    ["localhost:0", "endpoint_invalid_port"],
    ["localhost:65536", "endpoint_invalid_port"],
    ["localhost:-1", "endpoint_invalid_port"],
    ["localhost:1.5", "endpoint_invalid_port"],
    ["localhost:0x50", "endpoint_invalid_port"],
    ["localhost: 80", "endpoint_invalid_port"],
    ["localhost:80\n", "endpoint_invalid_port"],
    ["localhost:٣", "endpoint_invalid_port"],
    ["[::1]", "endpoint_invalid_port"],
  ])("refuses %j as %s", (text, code) => {
    expect(parsePeerEndpoint(text)).toMatchObject({ ok: false, code });
    expect(() => peerEndpoint(text)).toThrow(`[${code}]`);
  });

  it("says what it expected and what came", () => {
    expect(() => peerEndpoint("http://x")).toThrow('expected "host:port" with a port from 1 to 65535, got "http://x"');
  });
});
