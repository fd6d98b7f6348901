// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type Clause, clause } from "../src/index.ts";
import { type Attempt, isGreen, judge, plan, type Verdict } from "../src/verdict.ts";
import { memorySubject } from "./memory-subject.ts";

const body = async (): Promise<void> => {};
const needsCrash: Clause = clause({ sentence: "a sentence", needs: ["crash"], body });
const needsTwo: Clause = clause({ sentence: "a sentence", needs: ["crash", "stall"], body });

describe("plan", () => {
  it("runs a clause whose faults are offered, with the declared gap", () => {
    expect(plan("durable.crash", needsCrash, memorySubject())).toEqual({ kind: "run", gap: undefined });
    const subject = memorySubject({ subject: { gaps: { "durable.crash": "known" } } });
    expect(plan("durable.crash", needsCrash, subject)).toEqual({ kind: "run", gap: "known" });
  });

  it("never runs and never passes a clause whose fault is missing", () => {
    const subject = memorySubject({ subject: { faults: [] } });
    const lacking = "cannot inject crash";
    expect(plan("durable.crash", needsCrash, subject)).toEqual({ kind: "unexercised", lacking, waiver: undefined });
  });

  it("takes a waiver only if it gives a reason for each missing fault", () => {
    const waiverOf = (waivers: Record<string, string>): unknown => {
      const planned = plan("durable.crash", needsTwo, memorySubject({ subject: { faults: [], waivers } }));
      return planned.kind === "unexercised" ? planned.waiver : planned.kind;
    };
    expect(waiverOf({ crash: "no" })).toBeUndefined();
    expect(waiverOf({ crash: "no", stall: " " })).toBeUndefined();
    expect(waiverOf({ crash: "no", stall: "never" })).toBe("no; never");
    expect(waiverOf({ crash: "no", stall: "no" })).toBe("no");
  });

  it("puts what does not apply before what is missing", () => {
    const single: Clause = { ...needsCrash, inapplicable: () => "never" };
    const subject = memorySubject({ subject: { faults: [] } });
    expect(plan("durable.crash", single, subject)).toEqual({ kind: "not-applicable", reason: "never" });
  });
});

describe("judge", () => {
  const passed: Attempt = { how: "passed" };
  const broken: Attempt = { how: "broken", error: new Error("broken"), seed: 1 };
  const crashed: Attempt = { how: "crashed", error: new Error("crashed"), seed: 1 };
  const late: Attempt = { how: "timed-out", afterMs: 1, seed: 1 };

  it.each([
    [undefined, passed, "pass"],
    [undefined, broken, "fail"],
    [undefined, crashed, "fail"],
    [undefined, late, "fail"],
    ["known", passed, "gap-closed"],
    ["known", broken, "gap-confirmed"],
    ["known", crashed, "fail"],
    ["known", late, "fail"],
  ] as const)("with gap %j and attempt %j says %s", (gap, attempt, outcome) => {
    expect(judge(gap, attempt).outcome).toBe(outcome);
  });
});

describe("isGreen", () => {
  const unexercised = (waiver: string | undefined): Verdict => ({ outcome: "unexercised", lacking: "x", waiver });
  it.each<readonly [Verdict, strict: boolean, lax: boolean]>([
    [{ outcome: "pass" }, true, true],
    [{ outcome: "gap-confirmed", reason: "r" }, true, true],
    [{ outcome: "not-applicable", reason: "r" }, true, true],
    [{ outcome: "fail", attempt: { how: "timed-out", afterMs: 1, seed: 1 } }, false, false],
    [{ outcome: "gap-closed", reason: "r" }, false, false],
    [unexercised("a reason"), true, true],
    [unexercised(undefined), false, true],
  ])("of %j is %j in strict mode and %j otherwise", (verdict, strict, lax) => {
    expect([isGreen(verdict, true), isGreen(verdict, false)]).toEqual([strict, lax]);
  });
});
