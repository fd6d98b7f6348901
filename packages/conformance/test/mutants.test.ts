// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { MUTANTS } from "./mutants/index.ts";
import { judgeMutant, type MutantResult, unprovenClauses } from "./mutants/judge.ts";

describe("mutants", () => {
  const results: MutantResult[] = [];

  for (const mutant of MUTANTS) {
    it(`${mutant.name} fails exactly ${mutant.breaks.join(", ")}`, async () => {
      const result = await judgeMutant(mutant);
      results.push(result);
      const why = [...result.details].map(([id, detail]) => `${id}: ${detail}`).join("\n");
      expect([...result.failed].sort(), why).toEqual([...mutant.breaks].sort());
    });
  }

  it("prove of every clause that it can fail", () => {
    expect(results).toHaveLength(MUTANTS.length);
    expect(unprovenClauses(results)).toEqual([]);
  });

  it("each have a name of their own", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});
