// SPDX-License-Identifier: Apache-2.0
import { toJson } from "@tsoracle/conformance/checker";
import { describe, expect, it } from "vitest";
import type { CallKind, CallOutcome, SessionCall } from "../../src/sessions/call.ts";
import { renderSessionReport } from "../../src/sessions/render-sessions.ts";
import type { SessionFault } from "../../src/sessions/session-fault.ts";
import { buildSessionReport, type SessionRunFacts } from "../../src/sessions/session-report.ts";
import { postgresSessions } from "../../src/sessions/stores/postgres.ts";

const SECOND = 1e9;

const call = (kind: CallKind, second: number, outcome: CallOutcome, caller = "0.0"): SessionCall => ({
  ...{ worker: 0, caller, session: "s-000", kind, begin: second * SECOND, end: (second + 0.01) * SECOND, outcome },
});

const owned = (latencyMs: number, met: boolean): CallOutcome => ({
  ...{ kind: "owned", epoch: 9n, created: false, continuity: { latencyMs, loss: 0, met } },
});

const CALLS: readonly SessionCall[] = [
  call("append", 1, { kind: "appended", seq: 2 }),
  call("takeover", 3, owned(900, true), "1.0"),
  call("append", 3.5, { kind: "appended", seq: 5 }, "1.0"),
  call("append", 4.5, { kind: "refused", code: "fenced" }),
];

const PAUSE: SessionFault = {
  ...{ kind: "pause", place: "worker 0, which owned 1 sessions", caller: "0.0", isReplaced: true },
  ...{ at: 2 * SECOND, releasedAt: 4 * SECOND, endedAt: 4.1 * SECOND, isConfirmed: true, evidence: "in state T" },
};

const facts = (more: Partial<SessionRunFacts> = {}, options: Partial<SessionRunFacts["options"]> = {}) =>
  ({
    options: {
      ...{ store: postgresSessions, sessions: 1, seconds: 5, faults: ["pause"], seed: 7, json: undefined },
      ...{ injectViolation: false, fenceCheck: true, ...options },
    } satisfies SessionRunFacts["options"],
    ...{ store: "one Postgres", workers: 3, begin: 0, end: 5 * SECOND, faults: [PAUSE], calls: CALLS, violations: [] },
    machine: { cores: 2, runnable: [1, 1], lateP99Ms: 1, lateMaxMs: 2 },
    ...{ entries: 2, problems: [] },
    ...more,
  }) satisfies SessionRunFacts;

describe("report of sessions", () => {
  it("passes a run in which a paused owner lost its session and was refused", () => {
    const report = buildSessionReport(facts());
    expect(report).toMatchObject({ ok: true, problems: [], entries: { total: 2, acknowledged: 2 } });
    expect(report.calls.append).toEqual({ ok: 2, refused: 1, unknown: 0 });
    expect(report.errors).toEqual({ "append: fenced": 1 });
    expect(report.faults[0]).toMatchObject({ atMs: 2_000, lastedMs: 2_100, fencedAfterwards: 1 });
    expect(report.continuity).toMatchObject({ met: 1, notMet: 0, medianMs: 900, maxMs: 900 });
    expect(report.silence.maxMs).toBe(2_500);
    expect(renderSessionReport(report)).toMatch(/PASS/);
  });

  it("counts takeovers that missed their budget, and does not fail for them", () => {
    const slow = call("takeover", 3, owned(7_000, false), "1.0");
    const report = buildSessionReport(facts({ calls: [...CALLS, slow, call("open", 3, owned(9_000, false))] }));
    expect([report.ok, report.continuity.met, report.continuity.notMet, report.continuity.maxMs]).toEqual([
      true,
      1,
      1,
      7_000,
    ]);
  });

  it.each<[string, Partial<SessionRunFacts>, RegExp]>([
    [
      "a fault that is not confirmed",
      { faults: [{ ...PAUSE, isConfirmed: false }] },
      /pause of worker 0.* is not confirmed/,
    ],
    ["a kind that did not come", { faults: [] }, /no pause happened/],
    ["paused workers that lost nothing", { faults: [{ ...PAUSE, isReplaced: false }] }, /no paused worker had lost/],
    ["paused workers that were refused nothing", { calls: CALLS.slice(0, 3) }, /so nothing was refused/],
    [
      "a refusal before the worker woke up",
      { faults: [{ ...PAUSE, releasedAt: 4.6 * SECOND }] },
      /nothing was refused/,
    ],
    ["no takeover", { calls: CALLS.filter(({ kind }) => kind === "append") }, /no session was taken over/],
    ["too few entries", { calls: CALLS.slice(1) }, /only 1 entries were acknowledged, expected at least 2/],
    ["what the harness has to say", { problems: ["worker 2 ended by itself"] }, /worker 2 ended by itself/],
  ])("does not pass %s, although the journals are clean", (_, more, problem) => {
    const report = buildSessionReport(facts(more));
    expect(report.ok).toBe(false);
    expect(report.problems.join("; ")).toMatch(problem);
    expect(renderSessionReport(report)).toMatch(/FAIL {2}the journals are clean, and prove nothing/);
  });

  it("asks nothing of a pause where one worker has the store to itself", () => {
    const alone = {
      workers: 1,
      faults: [{ ...PAUSE, isReplaced: false }],
      calls: CALLS.filter((each) => each.kind === "append"),
    };
    expect(buildSessionReport(facts(alone)).problems).toEqual([]);
  });

  it("shows a violation with its calls, one of each kind before the others", () => {
    const violation = (kind: "lost" | "gap") => ({
      kind,
      session: "s-000",
      message: `a ${kind}`,
      calls: CALLS.slice(0, 1),
    });
    const violations = [...Array.from({ length: 9 }, () => violation("lost")), violation("gap")];
    const text = renderSessionReport(buildSessionReport(facts({ violations })));
    expect(text).toContain("violations  10: 9 lost, 1 gap");
    expect(text).toContain("gap of s-000: a gap");
    expect(text).toContain("worker 0.0, from 1000.000 to 1010.000 ms: append: acknowledged with number 2");
    expect(text).toMatch(/FAIL {2}the journals break a promise/);
  });

  it.each([{ fenceCheck: false }, { injectViolation: true }])(
    "does not call a control passed that found nothing: %j",
    (control) => {
      expect(renderSessionReport(buildSessionReport(facts({}, control)))).toMatch(/BLIND/);
    },
  );

  it("is plain data", () => {
    const report = buildSessionReport(facts());
    expect(JSON.parse(JSON.stringify(toJson(report)))).toEqual(report);
  });
});
