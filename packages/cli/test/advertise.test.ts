// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { advertisedAddress } from "../src/serve/advertise.ts";

describe("advertised address", () => {
  it.each([
    ["10.0.0.5", 50551, "10.0.0.5:50551"],
    ["tso.example", 1, "tso.example:1"],
    ["2001:db8::1", 1, "[2001:db8::1]:1"],
  ])("is where the server listens, if others can call %s", (host, port, advertised) => {
    expect(advertisedAddress(undefined, { host, port })).toBe(advertised);
  });

  it.each(["127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "::", "::ffff:127.0.0.1"])(
    "is not taken from %s without a word",
    (host) => {
      const refusal = expect.objectContaining({ exitCode: 2, message: expect.stringContaining("--advertise") });
      expect(() => advertisedAddress(undefined, { host, port: 50551 })).toThrow(refusal);
    },
  );

  it("may be loopback when the operator says so", () => {
    expect(advertisedAddress("127.0.0.1:50551", { host: "127.0.0.1", port: 0 })).toBe("127.0.0.1:50551");
  });

  it.each(["0.0.0.0:50551", "[::]:50551"])("is never the wildcard %s", (advertise) => {
    const refusal = expect.objectContaining({ exitCode: 2 });
    expect(() => advertisedAddress(advertise, { host: "10.0.0.5", port: 50551 })).toThrow(refusal);
  });
});
