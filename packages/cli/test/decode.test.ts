// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { runCli } from "./cli-process.ts";

/** Computed by hand: value = physical_ms * 2^18 + logical. */
const VECTORS = [
  ["0", { value: "0", hex: "0x0000000000000000", physicalMs: 0, logical: 0, time: "1970-01-01T00:00:00.000Z" }],
  [
    "262143",
    { value: "262143", hex: "0x000000000003ffff", physicalMs: 0, logical: 262_143, time: "1970-01-01T00:00:00.000Z" },
  ],
  [
    "262144",
    { value: "262144", hex: "0x0000000000040000", physicalMs: 1, logical: 0, time: "1970-01-01T00:00:00.001Z" },
  ],
  [
    "471859200000000007",
    {
      value: "471859200000000007",
      hex: "0x068c617140000007",
      physicalMs: 1_800_000_000_000,
      logical: 7,
      time: "2027-01-15T08:00:00.000Z",
    },
  ],
  [
    "18446744073709551615",
    {
      value: "18446744073709551615",
      hex: "0xffffffffffffffff",
      physicalMs: 70_368_744_177_663,
      logical: 262_143,
      time: "4199-11-24T01:22:57.663Z",
    },
  ],
] as const;

describe("decode", () => {
  it.each(VECTORS)("takes %s apart", async (text, expected) => {
    const { code, stdout, stderr } = await runCli(["decode", text, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(expected);
    expect(BigInt(expected.physicalMs) * 262_144n + BigInt(expected.logical)).toBe(BigInt(text));
  });

  it("reads hexadecimal and prints for people", async () => {
    const { code, stdout } = await runCli(["decode", "0x0000000000040007"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "value        262151",
        "hex          0x0000000000040007",
        "physical_ms  1",
        "logical      7",
        "time         1970-01-01T00:00:00.001Z",
        "",
      ].join("\n"),
    );
  });
});
