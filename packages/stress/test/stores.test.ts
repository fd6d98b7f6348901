// SPDX-License-Identifier: Apache-2.0
import { descendantsOf, isAlive, isStopped, waitUntil } from "@tsoracle/test-services";
import { describe, expect, it } from "vitest";
import type { StressReport } from "../src/report.ts";
import { LIMIT_MS, runToEnd, start } from "./stress-process.ts";

const CLEAN = { ok: true, duplicates: 0, regressions: 0, realTimeViolations: 0, problems: [] };

const kindsOf = ({ faults }: StressReport): string[] => [...new Set(faults.map(({ kind }) => kind))].sort();

const pausedLeaders = ({ faults }: StressReport) =>
  faults.filter(({ kind, target }) => kind === "pause" && target === "leader");

// Each driver and each mode once: a run takes ten seconds and more. docs/assurance.md has longer ones of every combination.
describe("stress on a real store", () => {
  it.each([
    ["postgres", "lease", "pause,store-kill,term"],
    ["redis", "confirm", "kill,pause,store-pause"],
    ["etcd", "lease", "cut,pause,store-kill"],
    ["raft", "confirm", "cut,kill,pause"],
  ])("finds the history of %s in mode %s clean under %s", { timeout: LIMIT_MS }, async (driver, freshness, faults) => {
    const mode = ["--driver", driver, "--freshness", freshness];
    const { exit, output, report } = await runToEnd(...mode, "--faults", faults, "--seconds", "4", "--seed", "4");
    expect(exit, output).toBe(0);
    expect(report).toMatchObject({ ...CLEAN, freshness });
    expect(kindsOf(report).join()).toBe(faults);
    expect(pausedLeaders(report).some(({ overtaken }) => overtaken === true)).toBe(true);
    expect(report.calls.epochs).toBeGreaterThan(1);
  });

  // A leader that never looks is stopped until another one has answered, while callers keep asking it and no other.
  it.each([
    ["postgres", "lease"],
    ["redis", "confirm"],
    ["raft", "lease"],
  ])(
    "finds the stale answers of %s servers in mode %s that never look at their tenure, and exits 1",
    {
      timeout: LIMIT_MS,
    },
    async (driver, freshness) => {
      const mode = ["--driver", driver, "--freshness", freshness, "--no-tenure-check"];
      const { exit, output, report } = await runToEnd(...mode, "--faults", "pause", "--seconds", "2", "--seed", "3");
      expect(exit, output).toBe(1);
      expect(report).toMatchObject({ ok: false, duplicates: 0, problems: [] });
      expect(report.realTimeViolations).toBeGreaterThan(0);
      expect(pausedLeaders(report)[0]).toMatchObject({ isConfirmed: true, overtaken: true });
      // The proof is two calls: the second began after the first had ended, and got less.
      const proof = report.evidence.find(({ kind }) => kind === "real_time_order");
      if (proof?.kind !== "real_time_order") throw new Error("expected the calls that prove it");
      expect(proof.before.end).toBeLessThan(Number(proof.after.begin));
      expect(BigInt(proof.before.outcome.first)).toBeGreaterThanOrEqual(BigInt(proof.after.outcome.first));
      expect(BigInt(proof.before.outcome.epoch)).toBeGreaterThan(BigInt(proof.after.outcome.epoch));
      expect(output).toContain("real_time_order: the second call had to be above the first");
    },
  );

  it.each(["postgres", "redis"])(
    "leaves no process behind when it is killed while %s is paused",
    {
      timeout: LIMIT_MS,
    },
    async (driver) => {
      const run = start("--driver", driver, "--faults", "store-pause", "--seconds", "60", "--seed", "1");
      const pid = run.child.pid ?? 0;
      const paused = () => descendantsOf(pid).filter(isStopped).length > 0;
      await waitUntil("a pause of the store", paused, { timeoutMs: LIMIT_MS });
      const below = descendantsOf(pid);
      // Servers, clients and the store.
      expect(below.length).toBeGreaterThanOrEqual(5);
      run.child.kill("SIGKILL");
      expect(await run.ended).toBe("SIGKILL");
      await waitUntil("everything below it to end", () => below.every((each) => !isAlive(each)));
    },
  );
});
