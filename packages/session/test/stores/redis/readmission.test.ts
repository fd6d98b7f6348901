// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { passing } from "../../../src/stores/redis/node-facts.ts";
import { mayFillUnasked } from "../../../src/stores/redis/readmission.ts";

const data = { ...passing("is empty"), lost: "data" } as const;
const trust = { ...passing("has restarted"), lost: "trust" } as const;
const facts = { info: new Map<string, string>(), config: undefined, mark: { st: "filling" } };

describe("the automatic readmission of a Redis node", () => {
  it("takes an empty node only where this process saw it vote: any other may be a new one in another's place", () => {
    expect(mayFillUnasked({ objection: data, hasVoted: false, facts: undefined })).toBe(false);
    expect(mayFillUnasked({ objection: data, hasVoted: true, facts: undefined })).toBe(true);
  });

  it("takes one that restarted, and one whose filling was given up", () => {
    expect(mayFillUnasked({ objection: trust, hasVoted: false, facts: undefined })).toBe(true);
    expect(mayFillUnasked({ objection: undefined, hasVoted: false, facts })).toBe(true);
    expect(mayFillUnasked({ objection: undefined, hasVoted: true, facts: { ...facts, mark: { st: "whole" } } })).toBe(
      false,
    );
  });
});
