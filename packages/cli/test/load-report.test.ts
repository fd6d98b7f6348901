// SPDX-License-Identifier: Apache-2.0
import { packTimestamp } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { grouped, Screen, showReport } from "../src/demo/screen.ts";
import { quantile } from "../src/load/latency.ts";
import { buildReport, longestSilence } from "../src/load/load-report.ts";
import { type Answer, Recorder } from "../src/load/recorder.ts";

const facts = { begin: 0, end: 1_000, callers: 2, kills: [], killsAsked: 0, injected: false };
const at = (logical: number, count = 1): Answer => ({ first: packTimestamp(1_000, logical), count, epoch: 0n });

describe("load report", () => {
  it("passes a history in order and counts what was issued", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(0));
    recorder.answered("b", performance.now(), at(1, 2));
    recorder.unanswered("a", performance.now(), "unavailable");
    const report = buildReport(recorder, facts);
    expect(report).toMatchObject({ ok: true, calls: 3, issued: 3, perSecond: 3, unanswered: { unavailable: 1 } });
    expect(report.evidence).toEqual([]);
  });

  it("fails when a timestamp was issued twice", () => {
    const recorder = new Recorder();
    const begin = performance.now();
    recorder.answered("a", begin, at(5));
    recorder.answered("b", begin, at(5));
    expect(buildReport(recorder, facts)).toMatchObject({ ok: false, duplicates: 1 });
  });

  it("fails when a caller's timestamps go back", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(5));
    recorder.answered("a", performance.now(), at(4));
    expect(buildReport(recorder, facts)).toMatchObject({ ok: false, duplicates: 0, regressions: 1 });
  });

  it("fails when another caller gets an older timestamp later", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(5));
    const ended = performance.now();
    while (performance.now() <= ended);
    recorder.answered("b", performance.now(), at(4));
    expect(buildReport(recorder, facts)).toMatchObject({ ok: false, regressions: 0, realTimeViolations: 1 });
  });

  it("fails when a client withheld a timestamp that went back", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(5));
    recorder.unanswered("a", performance.now(), "timestamp_regression");
    expect(buildReport(recorder, facts)).toMatchObject({ ok: false, regressions: 1 });
  });

  it("fails when nothing was issued, because then nothing was shown", () => {
    expect(buildReport(new Recorder(), facts)).toMatchObject({ ok: false, issued: 0 });
  });

  it("reports the injected violation", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(1));
    recorder.answered("a", performance.now(), at(2));
    recorder.injectViolation();
    expect(buildReport(recorder, { ...facts, injected: true })).toMatchObject({ ok: false, duplicates: 1 });
  });

  it("fails when a kill showed that something was issued which the store did not cover", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(1));
    const kill = { pid: 1, at: 10, backAt: 20, covered: true };
    expect(buildReport(recorder, { ...facts, kills: [kill] })).toMatchObject({ ok: true, notDurable: 0 });
    const uncovered = [kill, { ...kill, at: 30, backAt: 40, covered: false }];
    expect(buildReport(recorder, { ...facts, kills: uncovered })).toMatchObject({ ok: false, notDurable: 1 });
  });

  it("fails when fewer kills happened than asked, although nothing is wrong with the history", () => {
    const recorder = new Recorder();
    recorder.answered("a", performance.now(), at(1));
    const kills = [{ pid: 1, at: 10, backAt: 20, covered: true }];
    expect(buildReport(recorder, { ...facts, kills, killsAsked: 1 })).toMatchObject({ ok: true, killsMissing: 0 });
    expect(buildReport(recorder, { ...facts, kills, killsAsked: 3 })).toMatchObject({ ok: false, killsMissing: 2 });
    const told: string[] = [];
    const stream = { write: (text: string) => told.push(text) } as unknown as NodeJS.WritableStream;
    const screen = new Screen({ stream, inPlace: false, colour: false });
    showReport(screen, buildReport(recorder, { ...facts, kills, killsAsked: 3 }));
    expect(told.join("")).toMatch(/kill -9 +1 of 3 times/);
    expect(told.join("")).toContain("FAIL  the history is clean, but the machine was too slow for all kills");
  });

  it("measures the longest silence from the kill on, edges included", () => {
    const ends = [10, 20, 30, 90, 95];
    expect(longestSilence(ends, 0, 100)).toBe(60);
    expect(longestSilence(ends, 30, 89)).toBe(59);
    expect(longestSilence(ends, 95, 200)).toBe(105);
    expect(longestSilence([], 5, 9)).toBe(4);
  });

  it("takes quantiles by nearest rank", () => {
    const sorted = [1, 2, 3, 4];
    expect([0, 0.5, 0.51, 0.99, 1].map((q) => quantile(sorted, q))).toEqual([1, 2, 3, 4, 4]);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("separates thousands alike in every locale", () => {
    expect([0, 999, 1_000, 1_234_567].map(grouped)).toEqual(["0", "999", "1,000", "1,234,567"]);
  });
});
