// SPDX-License-Identifier: Apache-2.0
import { type Call, checkHistory, toJson } from "@tsoracle/conformance/checker";
import { describe, expect, it } from "vitest";
import type { InjectedFault } from "../src/injected-fault.ts";
import { renderReport } from "../src/render.ts";
import { buildReport, type RunFacts } from "../src/report.ts";
import { TICKS_PER_MS } from "../src/shared-clock.ts";

const SECOND = 1_000 * TICKS_PER_MS;

/** One caller, answered 50 times in each of two seconds. */
const CALLS: readonly Call[] = Array.from({ length: 100 }, (_, index) => ({
  client: "a",
  begin: SECOND + index * 20 * TICKS_PER_MS,
  end: SECOND + (index * 20 + 10) * TICKS_PER_MS,
  outcome: { kind: "ok", first: BigInt(index * 10), count: 2, epoch: 1n },
}));

const KILL: InjectedFault = {
  kind: "kill",
  target: "leader",
  place: "server 1",
  server: 1,
  at: 2 * SECOND,
  endedAt: 2.25 * SECOND,
  isConfirmed: true,
  evidence: "process 1 is gone, ended by SIGKILL",
};

const PAUSE: InjectedFault = { ...KILL, kind: "pause", place: "server 2", server: 2, releasedAt: 2.2 * SECOND };

const ends = (calls: readonly Call[]): number[] => calls.map(({ end }) => Number(end));

function facts(more: Partial<RunFacts> = {}, calls: readonly Call[] = CALLS): RunFacts {
  return {
    driver: "redis",
    store: "five nodes",
    servers: 3,
    tenureMs: 1_500,
    bounds: { crashMs: 1_800, handOverMs: 500 },
    machine: { cores: 2, runnable: [0.5, 7.25], lateP99Ms: 3, lateMaxMs: 41 },
    freshness: "lease",
    tenureCheck: true,
    injectViolation: false,
    seed: 9,
    asked: ["kill"],
    begin: SECOND,
    end: 3 * SECOND,
    faults: [KILL],
    history: checkHistory(calls),
    ordinaryEnds: ends(calls),
    allEnds: ends(calls),
    outstanding: () => 8,
    overtaken: () => true,
    errors: new Map(),
    problems: [],
    ...more,
  };
}

describe("report", () => {
  it("passes a run that is clean, confirmed and busy", () => {
    const report = buildReport(facts());
    expect(report).toMatchObject({ ok: true, problems: [], evidence: [], seconds: 2 });
    expect(report.faults).toEqual([
      expect.objectContaining({ kind: "kill", server: 1, atMs: 1_000, lastedMs: 250, isConfirmed: true }),
    ]);
    expect(renderReport(report)).toMatch(/PASS {2}every call was judged/);
  });

  it("fails a history that breaks a promise, and shows the two calls", () => {
    const stale = { ...(CALLS[99] as Call), client: "b", outcome: CALLS[3]?.outcome as Call["outcome"] };
    const report = buildReport(facts({}, [...CALLS, stale]));
    expect([report.ok, report.duplicates, report.realTimeViolations]).toEqual([false, 1, 1]);
    const worst = report.evidence.find(({ kind }) => kind === "real_time_order");
    expect(worst).toMatchObject({ before: { client: "a", outcome: { first: 980n } }, after: { client: "b" } });
    const text = renderReport(report);
    expect(text).toMatch(/FAIL {2}the history breaks a promise/);
    expect(text).toContain(
      "duplicate: both calls hold 30 and 1 more\n    a, from 1060.000 to 1070.000 ms: 2 from 30, epoch 1\n",
    );
    expect(text).toContain("real_time_order: the second call had to be above the first, and is 951 behind");
    expect(text).toContain("    b, from 2980.000 to 2990.000 ms: 2 from 30, epoch 1\n");
  });

  it("shows a violation that is both the worst and the first only once", () => {
    const stale = { ...(CALLS[99] as Call), client: "b", outcome: CALLS[3]?.outcome as Call["outcome"] };
    const kinds = buildReport(facts({}, [...CALLS, stale])).evidence.map(({ kind }) => kind);
    expect(kinds).toEqual(["duplicate", "real_time_order"]);
  });

  it("counts an answer that a client withheld as a regression", () => {
    const report = buildReport(facts({ errors: new Map([["client: timestamp_regression", 2]]) }));
    expect([report.ok, report.regressions]).toEqual([false, 2]);
    expect(buildReport(facts({ errors: new Map([["client: transport", 2]]) })).ok).toBe(true);
  });

  it.each<[string, Partial<RunFacts>, RegExp]>([
    ["a fault that is not confirmed", { faults: [KILL, { ...KILL, isConfirmed: false }] }, /kill of server 1 is not/],
    ["a kind that was asked for and did not come", { asked: ["kill", "cut"] }, /no cut happened/],
    ["a kind that came unconfirmed only", { faults: [{ ...KILL, isConfirmed: false }] }, /no kill happened/],
    [
      "a paused server that nobody asked",
      { faults: [KILL, PAUSE], outstanding: () => 0 },
      /nobody was asking server 2/,
    ],
    [
      "paused leaders of whom none was replaced",
      { faults: [KILL, PAUSE], overtaken: () => false },
      /no paused leader had been replaced/,
    ],
    ["too few answers for the time", { end: 7 * SECOND }, /only 100 calls were answered, expected at least 120/],
    ["what the harness has to say", { problems: ["server 2 ended by itself"] }, /server 2 ended by itself/],
  ])("does not pass %s, although the history is clean", (_, more, problem) => {
    const report = buildReport(facts(more));
    expect(report.ok).toBe(false);
    expect(report.problems.join("; ")).toMatch(problem);
    expect(renderReport(report)).toMatch(/FAIL {2}the history is clean, and proves nothing/);
  });

  it("holds each fault answerable until the next, and the last until the end", () => {
    const later = { ...KILL, at: 2.5 * SECOND, endedAt: 2.6 * SECOND };
    const answered = [1.99, 2.2, 2.3, 2.4, 2.499, 2.51, 2.52, 2.9].map((second) => second * SECOND);
    const report = buildReport(facts({ faults: [KILL, later], ordinaryEnds: answered, allEnds: [2.001 * SECOND] }));
    expect(report.unavailability.clients).toEqual([
      { kind: "kill", target: "leader", eachMs: [200, 380], medianMs: 290, maxMs: 380 },
    ]);
    expect(report.unavailability.anybody[0]?.eachMs).toEqual([499, 500]);
  });

  it("says how many calls waited in a server that was paused, at the instant of its waking", () => {
    const outstanding = (server: number, at: number): number => (server === 2 && at === 2.2 * SECOND ? 7 : 0);
    const { faults, problems } = buildReport(facts({ faults: [KILL, PAUSE], outstanding }));
    expect([faults[0]?.outstanding, faults[1]?.outstanding, problems]).toEqual([undefined, 7, []]);
  });

  it("says of each paused server whether another had answered before it woke, and of one server alone it asks nothing", () => {
    const asked: number[][] = [];
    const overtaken = (...args: [number, number, number]): boolean => asked.push(args) > 0;
    const { faults } = buildReport(facts({ faults: [KILL, PAUSE], overtaken }));
    expect(faults.map((fault) => fault.overtaken)).toEqual([undefined, true]);
    expect(asked).toContainEqual([2, 2 * SECOND, 2.2 * SECOND]);
    expect(buildReport(facts({ faults: [KILL, PAUSE], overtaken: () => false, servers: 1 })).problems).toEqual([]);
    const follower = { ...PAUSE, target: "follower" } as const;
    expect(buildReport(facts({ faults: [KILL, follower], overtaken: () => false })).problems).toEqual([]);
  });

  it.each<[string, Partial<RunFacts>]>([
    ["whose servers never look", { tenureCheck: false }],
    ["whose history was corrupted", { injectViolation: true }],
  ])("does not call a control %s passed when it finds nothing", (_, more) => {
    expect(renderReport(buildReport(facts(more)))).toMatch(/BLIND/);
  });

  it("says how busy the machine was, and what the reference allows", () => {
    const text = renderReport(buildReport(facts()));
    expect(text).toContain("2 cores for 0.5 to 7.25 runnable processes; timers of the harness 3 ms late (p99), 41 ms");
    expect(text).toContain("1800 ms after a crash of the leader, 500 ms after its orderly end");
    expect(renderReport(buildReport(facts({ freshness: "confirm" })))).not.toContain("after a crash");
  });

  it("is plain data", () => {
    const report = buildReport(facts({ faults: [KILL, PAUSE] }));
    expect(JSON.parse(JSON.stringify(toJson(report)))).toEqual(report);
  });
});
