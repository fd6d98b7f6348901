// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DURATION_MAX_MS, formatDuration, parseDuration } from "../src/duration.ts";

describe("duration", () => {
  it.each([
    ["500ms", 500],
    ["3s", 3_000],
    ["1m", 60_000],
    ["1h", 3_600_000],
    ["1.5s", 1_500],
    ["0.001s", 1],
    ["24h", DURATION_MAX_MS],
    ["0", 0],
    ["0s", 0],
  ])("reads %s as %i ms", (text, ms) => {
    expect(parseDuration(text, 0)).toEqual({ ok: true, ms });
  });

  it.each([
    "",
    "3",
    "s",
    "3 s",
    "-3s",
    "+3s",
    "3S",
    "3sec",
    "1e3ms",
    "0x10ms",
    "1_000ms",
    "0.5ms",
    "25h",
    `${"9".repeat(400)}s`,
  ])("refuses %j and says what it expected", (text) => {
    expect(parseDuration(text, 0)).toEqual({
      ok: false,
      expected: "expected a duration from 0ms to 24h, such as 500ms, 3s or 1m",
    });
  });

  it("refuses zero where a flag has no sense at zero", () => {
    expect(parseDuration("0", 1)).toMatchObject({ ok: false });
    expect(parseDuration("1ms", 1)).toEqual({ ok: true, ms: 1 });
  });

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: DURATION_MAX_MS }), (ms) => {
        expect(parseDuration(formatDuration(ms), 0)).toEqual({ ok: true, ms });
      }),
    );
  });
});
