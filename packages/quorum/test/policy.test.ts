// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { parseQuorumFailureReason, QUORUM_FAILURE_REASONS, QuorumError, QuorumPolicy } from "../src/index.ts";

const policy = (n: number, w: number, ackTimeoutMs = 500): QuorumPolicy => new QuorumPolicy({ n, w, ackTimeoutMs });
const thrown = (run: () => unknown): QuorumError => {
  try {
    run();
  } catch (error) {
    if (error instanceof QuorumError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("QuorumPolicy", () => {
  it("A1 refuses n = 0", () => {
    const error = thrown(() => policy(0, 1));
    expect([error.code, error.message]).toEqual(["invalid_policy", "invalid quorum policy: n must be >= 1"]);
  });

  it("A2 clamps w to n", () => expect(policy(3, 9)).toMatchObject({ n: 3, w: 3 }));

  it("A3 takes a majority of an odd n, with the default times", () => {
    expect([1, 3, 5, 7].map((n) => QuorumPolicy.majority(n).w)).toEqual([1, 2, 3, 4]);
    expect(QuorumPolicy.majority(3)).toMatchObject({ ackTimeoutMs: 2_000, clockSkewWarnMs: 30_000 });
  });

  it("B1 takes a majority of an even n", () => {
    expect([2, 4, 6].map((n) => QuorumPolicy.majority(n).w)).toEqual([2, 3, 4]);
  });

  it("A20 refuses a majority of nobody", () =>
    expect(thrown(() => QuorumPolicy.majority(0)).code).toBe("invalid_policy"));

  it("A15 survives JSON", () => {
    const before = new QuorumPolicy({ n: 5, w: 3, ackTimeoutMs: 2_000.5, clockSkewWarnMs: 1_250 });
    const json: unknown = JSON.parse(JSON.stringify(before));
    expect(json).toMatchObject({
      ack_timeout: { secs: 2, nanos: 500_000 },
      clock_skew_warn: { secs: 1, nanos: 250_000_000 },
    });
    expect(QuorumPolicy.fromJson(json)).toEqual(before);
  });

  it("B2 clamps when it is made and when it is loaded", () => {
    expect(policy(3, 0).w).toBe(1);
    expect(QuorumPolicy.fromJson({ n: 3, w: 9 }).w).toBe(3);
    expect(thrown(() => QuorumPolicy.fromJson({ n: 0, w: 1 })).message).toContain("n must be >= 1");
  });

  it.each([
    null,
    "3 of 5",
    {},
    { n: "3", w: 2 },
    { n: 3, w: 1.5 },
    { n: 3, w: Number.NaN },
    { n: 3, w: 2, ack_timeout: 2_000 },
    { n: 3, w: 2, ack_timeout: { secs: -1, nanos: 0 } },
  ])("does not load %j", (json) => expect(thrown(() => QuorumPolicy.fromJson(json)).code).toBe("invalid_policy"));

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("refuses to wait for %d ms", (ackTimeoutMs) => {
    expect(() => policy(3, 2, ackTimeoutMs)).toThrow("ack_timeout");
  });

  it("cannot be changed", () => expect(() => Object.assign(policy(3, 2), { w: 1 })).toThrow(TypeError));
});

describe("QuorumError", () => {
  it("A11 says how far a quorum got", () => {
    const error = QuorumError.notMet({ got: 1, needed: 3, reason: "timeout" });
    expect(error.message).toBe("quorum not met (got 1, need 3, reason Timeout)");
    expect(error).toBeInstanceOf(Error);
    expect(error.quorum).toEqual({ got: 1, needed: 3, reason: "timeout" });
  });

  it("A14 says what is wrong with a policy and a local write", () => {
    expect(QuorumError.invalidPolicy("n must be >= 1").message).toBe("invalid quorum policy: n must be >= 1");
    expect(QuorumError.localWriteFailed("disk full").message).toBe("local write failed: disk full");
  });

  it.each([
    ["unreachable", "Unreachable"],
    ["timeout", "Timeout"],
    ["id_drift", "IdDrift"],
    ["in_flight", "InFlight"],
  ] as const)("A16 writes %s on the wire and %s in messages", (reason, word) => {
    expect(JSON.stringify(reason)).toBe(`"${reason}"`);
    expect(parseQuorumFailureReason(JSON.parse(`"${reason}"`))).toBe(reason);
    expect(QuorumError.notMet({ got: 0, needed: 1, reason }).message).toContain(`reason ${word})`);
  });

  it("knows no other reasons", () => {
    expect(QUORUM_FAILURE_REASONS).toHaveLength(4);
    for (const text of ["Timeout", "", undefined]) expect(() => parseQuorumFailureReason(text)).toThrow(QuorumError);
  });

  it("is recognised when another copy of the package made it, and is no other error", () => {
    expect(Object.assign(new Error("x"), { "@tsoracle/quorum.QuorumError": true })).toBeInstanceOf(QuorumError);
    for (const value of [new Error("x"), null, "x"] as unknown[]) expect(value instanceof QuorumError).toBe(false);
  });

  it("does not let a subclass claim every instance", () => {
    // @ts-expect-error The constructor is private; plain JavaScript can extend the class all the same.
    class Special extends QuorumError {}
    expect(QuorumError.invalidPolicy("x")).not.toBeInstanceOf(Special);
    expect(Object.create(Special.prototype)).toBeInstanceOf(Special);
  });
});
