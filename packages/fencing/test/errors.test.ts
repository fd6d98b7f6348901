// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { FenceStoreError, FenceValueError } from "../src/index.ts";

describe.each([
  ["FenceValueError", FenceValueError, "epoch_out_of_range", RangeError],
  ["FenceStoreError", FenceStoreError, "unavailable", Error],
] as const)("%s", (name, type, code, parent) => {
  const make = type as unknown as new (code: string, message: string) => Error & { readonly code: string };

  it("carries its code and is what its parent is", () => {
    const error = new make(code, "why");
    expect(error).toBeInstanceOf(parent);
    expect([error.name, error.code, error.message]).toEqual([name, code, `[${code}] why`]);
  });

  it("is recognised when another copy of the package made it", () => {
    const foreign = Object.assign(new Error("x"), { [`@tsoracle/fencing.${name}`]: true });
    expect(foreign).toBeInstanceOf(type);
    expect(new Error("x")).not.toBeInstanceOf(type);
    for (const value of [null, undefined, "x", 5] as unknown[]) expect(value instanceof type).toBe(false);
  });

  it("does not let a subclass claim every instance", () => {
    class Special extends make {}
    expect(new make(code, "x")).not.toBeInstanceOf(Special);
    expect(new Special(code, "x")).toBeInstanceOf(Special);
    expect(new Special(code, "x")).toBeInstanceOf(type);
  });
});
