// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { FillingWatch } from "../../../src/stores/redis/filling-watch.ts";
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

  it("leaves a node alone that another one fills, as long as that one goes on", () => {
    const watch = new FillingWatch(1_000);
    const filled = (atMs: number, more: Readonly<Record<string, string>>): boolean => {
      const node = { label: "n0", objection: undefined, facts: { ...facts, mark: { st: "filling", ...more } } };
      return watch.isFilledByOthers(node, atMs);
    };
    expect(filled(0, { adm: "a" })).toBe(true);
    expect(filled(999, { adm: "a" })).toBe(true);
    expect(filled(1_000, { adm: "a" })).toBe(false);
    // It was only slow, or another has begun: the time counts anew.
    expect(filled(1_500, { adm: "a", bt: "1" })).toBe(true);
    expect(filled(2_499, { adm: "a", bt: "1" })).toBe(true);
    expect(filled(2_500, { adm: "b", bt: "1" })).toBe(true);
    // Given up in words.
    expect(filled(2_600, { adm: "" })).toBe(false);
    expect(filled(2_700, { adm: "b", bt: "1" })).toBe(true);
    expect(watch.isFilledByOthers({ label: "n0", objection: trust, facts }, 2_800)).toBe(false);
  });
});
