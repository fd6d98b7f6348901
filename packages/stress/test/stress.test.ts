// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { descendantsOf, isAlive, waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import { LIMIT_MS, type Run, runToEnd, start } from "./stress-process.ts";

/** Directories that carry the pid of a harness in their names. */
const directoriesOf = (pid: number): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith("tsoracle-services-") && name.includes(`-${pid}-`));

/** A run with servers, clients and directories, in the middle of its faults. */
async function inFullSwing(): Promise<{ run: Run; pid: number; below: number[] }> {
  const run = start("--driver", "file", "--seconds", "60", "--faults", "pause", "--seed", "1");
  const pid = run.child.pid ?? 0;
  await waitUntil("a fault", () => run.output().includes("in state T"), { timeoutMs: LIMIT_MS });
  const below = descendantsOf(pid);
  expect(below.length).toBeGreaterThanOrEqual(3);
  expect(directoriesOf(pid)).not.toEqual([]);
  return { run, pid, below };
}

describe("stress", () => {
  it("runs real processes under kills, pauses and terminations, and finds their history clean", {
    timeout: LIMIT_MS,
  }, async () => {
    const faults = ["--faults", "kill,pause,term"];
    const { exit, output, report } = await runToEnd("--driver", "file", "--seconds", "8", ...faults, "--seed", "1");
    expect(exit, output).toBe(0);
    expect(report).toMatchObject({ ok: true, duplicates: 0, regressions: 0, realTimeViolations: 0, problems: [] });
    expect([...new Set(report.faults.map(({ kind }) => kind))].sort()).toEqual(["kill", "pause", "term"]);
    expect(report.faults.every(({ isConfirmed }) => isConfirmed)).toBe(true);
    expect(report.calls.ok).toBeGreaterThan(160);
    // A server that is paused answers nobody: whoever measures less has measured something else.
    for (const [index, { kind, lastedMs }] of report.faults.entries()) {
      if (kind !== "pause") continue;
      const same = report.faults.slice(0, index).filter((fault) => fault.kind === kind).length;
      const silent = report.unavailability.anybody.find((group) => group.kind === kind)?.eachMs[same];
      expect(silent).toBeGreaterThan(lastedMs / 2);
    }
  });

  it("finds a corrupted answer in the history of real processes, and exits 1", { timeout: LIMIT_MS }, async () => {
    const args = ["--driver", "file", "--seconds", "2", "--faults", "kill", "--seed", "2", "--inject-violation"];
    const { exit, output, report } = await runToEnd(...args);
    expect(exit, output).toBe(1);
    expect(report).toMatchObject({ ok: false, duplicates: 1, problems: [] });
    expect(output).toContain("duplicate: both calls hold");
  });

  it("refuses what it cannot do with exit 2, before it starts anything", async () => {
    const run = start("--driver", "file", "--faults", "cut");
    expect(await run.ended).toBe(2);
    expect(run.output()).toContain("no connection to cut");
  });

  it("leaves no process behind when it is killed", { timeout: LIMIT_MS }, async () => {
    const { run, below } = await inFullSwing();
    run.child.kill("SIGKILL");
    expect(await run.ended).toBe("SIGKILL");
    await waitUntil("everything below it to end", () => below.every((pid) => !isAlive(pid)));
  });

  it("leaves no process and no directory behind when it is interrupted, and exits 130", {
    timeout: LIMIT_MS,
  }, async () => {
    const { run, pid, below } = await inFullSwing();
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(130);
    await waitUntil("everything below it to end", () => below.every((each) => !isAlive(each)));
    expect(directoriesOf(pid)).toEqual([]);
  });
});
