// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import {
  type ClauseId,
  check,
  clauseIds,
  declaredReport,
  type Outcome,
  type Report,
  type Subject,
  type Universe,
} from "../src/index.ts";
import { runClause } from "../src/run-clause.ts";
import { settle } from "../src/settings.ts";
import { memorySubject } from "./memory-subject.ts";
import { echo } from "./mutants/echo.ts";
import { altered } from "./mutants/mutant.ts";

/** The outcome of one clause. */
async function outcomeOf(subject: Subject, id: ClauseId, timeoutMs?: number): Promise<Outcome | undefined> {
  const report = await check(subject, { only: [id], timeoutMs });
  return report.results[0]?.outcome;
}

/** Counts what is opened and closed in the universes of a subject. */
function counted(subject: Subject): {
  subject: Subject;
  opened: () => number;
  closed: () => number;
  gone: () => number;
} {
  let opened = 0;
  let closed = 0;
  let gone = 0;
  const provision = async (seed: number): Promise<Universe> => {
    const universe = await subject.provision(seed);
    return {
      faults: universe.faults,
      open: async (node) => {
        opened += 1;
        const driver = await universe.open(node);
        return altered(driver, {
          [Symbol.asyncDispose]: async () => {
            closed += 1;
            await driver[Symbol.asyncDispose]();
          },
        });
      },
      [Symbol.asyncDispose]: async () => {
        gone += 1;
        await universe[Symbol.asyncDispose]();
      },
    };
  };
  return { subject: { ...subject, provision }, opened: () => opened, closed: () => closed, gone: () => gone };
}

function never(): Promise<never> {
  return new Promise(() => {});
}

describe("check", () => {
  it("gives equal reports for equal runs", async () => {
    const runs: Report[] = [];
    for (let run = 0; run < 2; run += 1) runs.push(await check(memorySubject(), { seed: 7 }));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.ok).toBe(true);
    expect(runs[0]?.counts.fail).toBe(0);
  });

  it("confirms a gap that the driver has, and lets the run pass", async () => {
    const gaps = { "advance.max": "it echoes" } as const;
    const report = await check({ ...echo.subject, gaps }, { only: ["advance.max"] });
    expect(report.results[0]).toMatchObject({ outcome: "gap-confirmed", detail: "it echoes", green: true });
    expect(report.ok).toBe(true);
  });

  it("fails the run for a gap that the driver does not have", async () => {
    const report = await check(memorySubject({ subject: { gaps: { "advance.max": "it echoes" } } }));
    expect(report.ok).toBe(false);
    expect(report.results.filter(({ green }) => !green).map(({ id, outcome }) => [id, outcome])).toEqual([
      ["advance.max", "gap-closed"],
    ]);
  });

  it("takes neither a crash nor a timeout for the gap that was declared", async () => {
    const gaps = { "load.fresh": "known" } as const;
    const crashing = memorySubject({
      subject: { gaps },
      wrap: (driver) => altered(driver, { loadHighWater: () => Promise.reject(new Error("no such table")) }),
    });
    const hanging = memorySubject({ subject: { gaps }, wrap: (driver) => altered(driver, { loadHighWater: never }) });
    expect(await outcomeOf(crashing, "load.fresh")).toBe("fail");
    expect(await outcomeOf(hanging, "load.fresh", 50)).toBe("fail");
  });

  it("fails a clause that does not end, and says how long it waited", async () => {
    const subject = memorySubject({ wrap: (driver) => altered(driver, { loadHighWater: never }) });
    const report = await check(subject, { only: ["load.fresh"], timeoutMs: 50 });
    expect(report.results[0]).toMatchObject({ outcome: "fail", green: false });
    expect(report.results[0]?.detail).toContain("no end after 50 ms");
  });

  it("demands a waiver for a missing fault in strict mode only", async () => {
    const faults = ["crash", "stall", "elect"] as const;
    const without = memorySubject({ subject: { faults } });
    const waived = memorySubject({
      subject: { faults, waivers: { loseReply: "the proxy cannot" } },
      faults: () => ({ loseReply: undefined }),
    });
    const only: readonly ClauseId[] = ["uncertain.lost-reply"];
    expect(await check(without, { only })).toMatchObject({ ok: false, counts: { unexercised: 1, pass: 0 } });
    expect(await check(without, { only, strict: false })).toMatchObject({ ok: true, counts: { unexercised: 1 } });
    const report = await check(waived, { only });
    expect(report).toMatchObject({ ok: true, counts: { unexercised: 1, pass: 0 } });
    expect(report.results[0]?.detail).toContain("the proxy cannot");
  });

  it("prints the seed with every failure, and the seed repeats it", async () => {
    const first = await check(echo.subject, { only: ["history.model"], seed: 41 });
    const seed = Number(/TSORACLE_SEED=(\d+) TSORACLE_RUNS=1/.exec(first.results[0]?.detail ?? "")?.[1]);
    expect(seed).toBeGreaterThanOrEqual(41);
    const again = await check(echo.subject, { only: ["history.model"], seed, runs: 1 });
    expect(again.results[0]?.detail).toBe(first.results[0]?.detail);
  });

  it("shrinks a failing history to the steps that matter", async () => {
    const report = await check(echo.subject, { only: ["history.model"] });
    const steps = report.results[0]?.detail.match(/^ {2}\d+\. .*$/gm) ?? [];
    expect(steps).toHaveLength(2);
    expect(steps.every((step) => step.includes("persist"))).toBe(true);
  });

  it("takes no waiver for a fault that the universe has", async () => {
    const waived = memorySubject({ subject: { faults: ["elect"], waivers: { crash: "no hands" } } });
    const run = check(waived, { only: ["load.fresh"] });
    await expect(run).rejects.toThrow(/has the fault "crash", which is waived: no hands/);
  });

  it("rejects a selection of nothing, which would pass whatever the driver does", async () => {
    await expect(check(memorySubject(), { only: [] })).rejects.toThrow(/at least one clause, got none/);
  });

  it("runs a clause once that is selected twice", async () => {
    const report = await check(memorySubject(), { only: ["load.fresh", "load.fresh"] });
    expect(report.results.map(({ id }) => id)).toEqual(["load.fresh"]);
  });

  it("gives the same report however many clauses run at once, and runs no more than that", async () => {
    const subject = memorySubject();
    let alive = 0;
    let most = 0;
    const provision = async (seed: number): Promise<Universe> => {
      const universe = await subject.provision(seed);
      alive += 1;
      most = Math.max(most, alive);
      return {
        faults: universe.faults,
        open: (node) => universe.open(node),
        [Symbol.asyncDispose]: async () => {
          alive -= 1;
          await universe[Symbol.asyncDispose]();
        },
      };
    };
    const only = clauseIds.filter((id) => id !== "harness.isolated" && id !== "history.model");
    const ended: ClauseId[] = [];
    const together = await check(
      { ...subject, provision },
      { only, concurrency: 4, onResult: ({ id }) => void ended.push(id) },
    );
    expect(together).toEqual(await check(subject, { only }));
    expect(ended.sort()).toEqual([...only].sort());
    expect(most).toBe(4);
  });

  it("refuses a number of clauses at once that is none", async () => {
    await expect(check(memorySubject(), { concurrency: 0 })).rejects.toThrow(
      /concurrency: expected a whole number from 1/,
    );
  });

  it("rejects clauses that do not exist", async () => {
    await expect(check(memorySubject(), { only: ["advance.maximum" as ClauseId] })).rejects.toThrow(/advance\.maximum/);
  });
});

describe("declaredReport", () => {
  it("is what a run of a driver that keeps its word reports, without a universe", async () => {
    const subject = memorySubject({
      subject: { faults: ["elect"], waivers: { crash: "no hands" } },
      faults: () => ({ crash: undefined }),
    });
    const declared = declaredReport({ ...subject, provision: never }, { seed: 7 });
    expect(declared.results).toEqual((await check(subject, { seed: 7 })).results);
    expect(declared).toMatchObject({ seed: 7, ok: false, counts: { fail: 0 } });
  });

  it("takes each gap for confirmed", async () => {
    const gapped = { ...echo.subject, gaps: Object.fromEntries(echo.breaks.map((id) => [id, "it echoes"])) };
    expect(declaredReport(gapped)).toEqual(await check(gapped));
  });
});

describe("teardown", () => {
  it.each([
    ["passes", memorySubject()],
    ["fails", echo.subject],
  ])("closes everything when the clause %s", async (_how, subject) => {
    const count = counted(subject);
    await check(count.subject, { only: ["advance.max", "harness.isolated", "load.linearized"] });
    expect(count.opened()).toBeGreaterThan(0);
    expect(count.closed()).toBe(count.opened());
    expect(count.gone()).toBe(4);
  });

  it("closes everything when the clause does not end", async () => {
    const hanging = memorySubject({ wrap: (driver) => altered(driver, { persistHighWater: never }) });
    const count = counted(hanging);
    expect(await outcomeOf(count.subject, "advance.max", 50)).toBe("fail");
    expect([count.opened(), count.closed(), count.gone()]).toEqual([1, 1, 1]);
  });

  it("that fails, fails a clause that passed, gap or not", async () => {
    const failing = (driver: ConsensusDriver): ConsensusDriver =>
      altered(driver, { [Symbol.asyncDispose]: () => Promise.reject(new Error("the door is stuck")) });
    for (const gaps of [{}, { "load.fresh": "known" }]) {
      const report = await check(memorySubject({ wrap: failing, subject: { gaps } }), { only: ["load.fresh"] });
      expect(report.results[0]).toMatchObject({ outcome: "fail" });
      expect(report.results[0]?.detail).toContain("the door is stuck");
    }
  });
});

describe("a universe", () => {
  it("that lacks a fault which its subject lists fails the clause and confirms no gap", async () => {
    const subject = memorySubject();
    const provision = async (seed: number): Promise<Universe> => {
      const universe = await subject.provision(seed);
      const { crash: _missing, ...faults } = universe.faults;
      return Object.assign(universe, { faults });
    };
    const report = await check(
      { ...subject, provision, gaps: { "durable.crash": "known" } },
      { only: ["durable.crash"] },
    );
    expect(report.results[0]).toMatchObject({ outcome: "fail" });
    expect(report.results[0]?.detail).toContain('lists the fault "crash"');
  });

  it("gives a body only the faults that its clause declares", async () => {
    let seen: readonly string[] = [];
    const verdict = await runClause(
      "durable.crash",
      {
        sentence: "a sentence",
        needs: ["crash"],
        uses: ["elect"],
        body: async (trial) => {
          seen = Object.keys(trial.faults);
        },
      },
      memorySubject(),
      settle({}),
    );
    expect(verdict.outcome).toBe("pass");
    expect(seen).toEqual(["crash", "elect"]);
  });
});
