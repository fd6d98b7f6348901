// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { SessionStressReport } from "../../src/sessions/session-report.ts";
import { runToEnd } from "../stress-process.ts";

/** A few seconds of faults; the rest is for servers that start, and for sessions that find new owners on a busy machine. */
const LIMIT_MS = 240_000;

const run = (...args: string[]) => runToEnd<SessionStressReport>("--driver", "sessions", ...args);

describe("stress of sessions", () => {
  it("kills and pauses workers that own sessions on Postgres, and finds every acknowledged entry in the journals", {
    timeout: LIMIT_MS,
  }, async () => {
    const { exit, output, report } = await run(
      "--sessions",
      "20",
      "--seconds",
      "3",
      "--faults",
      "kill,pause",
      "--seed",
      "1",
    );
    expect(exit, output).toBe(0);
    expect(report).toMatchObject({ ok: true, storeName: "postgres", workers: 3, violations: [], problems: [] });
    expect(report.faults.map(({ kind }) => kind).sort()).toEqual(["kill", "pause"]);
    expect(report.entries.total).toBeGreaterThanOrEqual(report.entries.acknowledged);
    const [pause] = report.faults.filter(({ kind }) => kind === "pause");
    // It woke up, believed that it owned its sessions, and was refused.
    expect(pause).toMatchObject({ isConfirmed: true, isReplaced: true });
    expect(pause?.fencedAfterwards).toBeGreaterThan(0);
    const { met, notMet } = report.continuity;
    expect(met + notMet).toBe(report.calls.takeover.ok + report.calls.reopen.ok);
  });

  it("finds the writes of paused workers that no fence stopped, and exits 1", { timeout: LIMIT_MS }, async () => {
    const faults = ["--seconds", "3", "--faults", "pause", "--seed", "1"];
    const { exit, output, report } = await run("--sessions", "12", ...faults, "--no-fence-check");
    expect(exit, output).toBe(1);
    expect(report.violations.map(({ kind }) => kind)).toContain("fenced_owner");
    expect(output).toContain("although it began after epoch");
  });

  it("finds an acknowledged entry that is not in the journal, and exits 1", { timeout: LIMIT_MS }, async () => {
    const file = ["--store", "file", "--sessions", "8", "--seconds", "2", "--faults", "kill", "--seed", "2"];
    const { exit, output, report } = await run(...file, "--inject-violation");
    expect(exit, output).toBe(1);
    expect(report).toMatchObject({ ok: false, problems: [], violations: [{ kind: "lost" }] });
    expect(output).toContain("is not in the journal");
  });
});
