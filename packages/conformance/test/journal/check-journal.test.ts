// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { checkJournal, type JournalClauseId, journalClauseIds, journalConformance } from "../../src/index.ts";
import { memoryJournalSubject } from "./memory-journal-subject.ts";
import { decidingMutants } from "./mutants/deciding.ts";
import { keepingMutants } from "./mutants/keeping.ts";

const mutants = [...decidingMutants, ...keepingMutants];
const subjectOf = (name: string): ReturnType<typeof memoryJournalSubject> => {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found === undefined) throw new TypeError(`no mutant ${name}`);
  return found.subject;
};

describe("the journal contract", () => {
  it("has a clause for every label of the interface, and no other", async () => {
    const path = new URL("../../../consensus/src/journal/fenced-journal.ts", import.meta.url);
    const labels = [...(await readFile(path, "utf8")).matchAll(/Contract — (journal\.[a-z-]+):/g)].map(([, id]) => id);
    const ofTheKit = journalClauseIds.filter((id) => id !== "journal.universes" && id !== "journal.history");
    expect(labels.sort()).toEqual([...ofTheKit].sort());
  });
});

describe("checkJournal", () => {
  it("gives equal reports for equal runs", async () => {
    const runs = [
      await checkJournal(memoryJournalSubject(), { seed: 7 }),
      await checkJournal(memoryJournalSubject(), { seed: 7 }),
    ];
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.ok).toBe(true);
  });

  it("confirms a gap that the journal has, and fails the run for one that it has not", async () => {
    const only: readonly JournalClauseId[] = ["journal.isolated"];
    const gaps = { "journal.isolated": "ids are folded" } as const;
    const confirmed = await checkJournal({ ...subjectOf("folds-case"), gaps }, { only });
    expect([confirmed.ok, confirmed.results[0]?.outcome]).toEqual([true, "gap-confirmed"]);
    const closed = await checkJournal({ ...memoryJournalSubject(), gaps }, { only });
    expect([closed.ok, closed.results[0]?.outcome]).toEqual([false, "gap-closed"]);
  });

  it("demands a waiver for a fault that cannot be injected, in strict mode", async () => {
    const without = { ...memoryJournalSubject(), faults: [], waivers: {} };
    const only: readonly JournalClauseId[] = ["journal.durable"];
    expect(await checkJournal(without, { only })).toMatchObject({ ok: false, results: [{ outcome: "unexercised" }] });
    expect(await checkJournal(without, { only, strict: false })).toMatchObject({ ok: true });
  });

  it("shrinks a failing history to the steps that matter, and prints the seed that repeats it", async () => {
    const report = await checkJournal(subjectOf("skips"), { only: ["journal.history"] });
    const detail = report.results[0]?.detail ?? "";
    expect(detail.match(/^ {2}\d+\. /gm)?.length).toBeLessThanOrEqual(3);
    expect(detail).toMatch(/TSORACLE_SEED=\d+ TSORACLE_RUNS=1/);
  });

  it.each([
    [{ name: " " }, /name/],
    [{ nodes: 0 }, /nodes/],
    [{ nodes: 2, exclusive: true }, /exclusive/],
    [{ waivers: { crash: "no" } }, /both offered and waived/],
    [{ waivers: { tornTail: " ", corrupt: "no medium" } }, /no reason/],
    [{ gaps: { "journal.next": "" } }, /no reason/],
  ])("refuses a subject that contradicts itself: %j", async (wrong, why) => {
    await expect(checkJournal({ ...memoryJournalSubject(), ...wrong })).rejects.toThrow(why);
  });

  it("refuses clauses that do not exist, and a selection of none", async () => {
    await expect(checkJournal(memoryJournalSubject(), { only: ["journal.none" as JournalClauseId] })).rejects.toThrow(
      /journal\.none/,
    );
    await expect(checkJournal(memoryJournalSubject(), { only: [] })).rejects.toThrow(/at least one/);
  });
});

describe("journalConformance", () => {
  it("registers a test for each clause that applies, and rejects in it with the assertion as cause", async () => {
    const tests = new Map<string, () => Promise<void>>();
    const runner = {
      describe: (_name: string, body: () => void) => body(),
      it: (name: string, body: () => Promise<void>) => void tests.set(name, body),
    };
    journalConformance(runner, subjectOf("folds-case"));
    const ids = [...tests.keys()].map((name) => name.split(":")[0]);
    expect(ids.filter((id) => id?.startsWith("journal."))).toEqual(
      journalClauseIds.filter((id) => id !== "journal.exclusive"),
    );
    const [, isolated] = [...tests].find(([name]) => name.startsWith("journal.isolated")) ?? [];
    await expect(isolated?.()).rejects.toMatchObject({
      message: expect.stringContaining("journal.isolated fail"),
      cause: { code: "ERR_ASSERTION" },
    });
  });

  it("fails for a fault that is waived and there", async () => {
    const tests = new Map<string, () => Promise<void>>();
    const runner = {
      describe: (_name: string, body: () => void) => body(),
      it: (name: string, body: () => Promise<void>) => void tests.set(name, body),
    };
    const subject = memoryJournalSubject({
      subject: {
        faults: ["crash", "loseReply", "partition"],
        waivers: { stall: "cannot", tornTail: "none", corrupt: "none" },
      },
    });
    journalConformance(runner, subject);
    const [, aside] = [...tests].find(([name]) => name.startsWith("NOT exercised")) ?? [];
    await expect(aside?.()).rejects.toThrow(/fault "stall", which is waived/);
  });
});
