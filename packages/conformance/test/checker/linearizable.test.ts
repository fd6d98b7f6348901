// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type Call, linearize, MAX_LINEARIZABLE_CALLS } from "../../src/checker/index.ts";
import { ok } from "./histories.ts";

describe("linearize", () => {
  it("orders overlapping calls by their timestamps, whatever the order of recording", () => {
    const [a, b, c] = [ok("a", [0, 9], 30), ok("b", [0, 9], 10), ok("c", [0, 9], 20)];
    expect(linearize([a, b, c])).toEqual({ linearizable: true, order: [b, c, a] });
  });

  it("finds no order for a value issued twice, a lower epoch on top, or a stale answer", () => {
    expect(linearize([ok("a", [0, 9], 10), ok("b", [0, 9], 10)]).linearizable).toBe(false);
    const epochs = [ok("a", [0, 9], 10, { epoch: 2n }), ok("b", [0, 9], 11, { epoch: 1n })];
    expect(linearize(epochs).linearizable).toBe(false);
    expect(linearize([ok("a", [0, 1], 10), ok("b", [2, 3], 9)]).linearizable).toBe(false);
    expect(linearize([ok("a", [0, 2], 10), ok("b", [2, 3], 9)]).linearizable).toBe(true);
  });

  it("respects program order where the clock does not tell", () => {
    expect(linearize([ok("a", [5, 5], 10), ok("a", [5, 5], 9)]).linearizable).toBe(false);
    expect(linearize([ok("a", [5, 5], 10), ok("b", [5, 5], 9)]).linearizable).toBe(true);
  });

  it("lets a call without an answer take effect late or never, and a failed one not at all", () => {
    const unknown: Call = { client: "u", begin: 0, end: 1, outcome: { kind: "unknown" } };
    const failed: Call = { client: "f", begin: 0, end: 1, outcome: { kind: "failed" } };
    const [a, b] = [ok("a", [2, 3], 0), ok("b", [4, 5], 1)];
    const result = linearize([unknown, failed, a, b]);
    // There is no room below or between the two values, so the unknown call must have come after or not at all.
    expect(result).toEqual({ linearizable: true, order: [a, b] });
  });

  it("refuses histories that it could not search to the end", () => {
    const calls = Array.from({ length: MAX_LINEARIZABLE_CALLS + 1 }, (_, index) => ok(index, [0, 1], index));
    expect(linearize(calls.slice(1)).linearizable).toBe(true);
    expect(() => linearize(calls)).toThrow(expect.objectContaining({ code: "history_too_large" }));
  });
});
