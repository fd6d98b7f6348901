// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { checkJournal, type JournalClauseId, journalClauseIds } from "../../src/index.ts";
import { decidingMutants } from "./mutants/deciding.ts";
import { mediumSubject } from "./mutants/journal-mutant.ts";
import { keepingMutants } from "./mutants/keeping.ts";

const MUTANTS = [...decidingMutants, ...keepingMutants];

describe("journal mutants", () => {
  const proven = new Set<JournalClauseId>();

  it("are made of a journal that conforms", async () => {
    const { results } = await checkJournal(mediumSubject());
    expect(results.filter(({ green }) => !green)).toEqual([]);
  });

  for (const mutant of MUTANTS) {
    it(`${mutant.name} fails exactly ${mutant.breaks.join(", ")}`, async () => {
      const { results } = await checkJournal(mutant.subject, { timeoutMs: 60_000 });
      const red = results.filter(({ green }) => !green);
      const why = red.map(({ id, detail }) => `${id}: ${detail}`).join("\n");
      expect(red.map(({ id }) => id).sort(), why).toEqual([...mutant.breaks].sort());
      // A clause that only crashes or runs out of time on a mutant shows nothing.
      for (const { id, detail } of red) if (!detail.startsWith("the clause could not be judged")) proven.add(id);
    });
  }

  it("prove of every clause that it can fail", () => {
    expect(journalClauseIds.filter((id) => !proven.has(id))).toEqual([]);
  });

  it("each have a name of their own", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});
