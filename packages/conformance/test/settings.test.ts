// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { settle } from "../src/settings.ts";

describe("settle", () => {
  it("takes options before the environment, and the environment before the defaults", () => {
    const env = { TSORACLE_SEED: "9", TSORACLE_RUNS: "4" };
    expect(settle({}, {})).toEqual({ seed: 1, runs: undefined, timeoutMs: 15_000 });
    expect(settle({}, env)).toMatchObject({ seed: 9, runs: 4 });
    expect(settle({ seed: 3, runs: 2 }, env)).toMatchObject({ seed: 3, runs: 2 });
  });

  it("takes a seed of zero", () => {
    expect(settle({}, { TSORACLE_SEED: "0" }).seed).toBe(0);
  });

  it.each([
    [{}, { TSORACLE_SEED: "x" }, /TSORACLE_SEED: expected a whole number, got "x"/],
    [{}, { TSORACLE_RUNS: "0" }, /runs: expected a whole number from 1/],
    [{ seed: 0.5 }, {}, /seed: expected a whole number/],
    [{ timeoutMs: 0 }, {}, /timeoutMs/],
  ])("refuses %j with %j", (options, env, message) => {
    expect(() => settle(options, env)).toThrow(message);
  });
});
