// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { CliProcess, runCli } from "./cli-process.ts";

/** A directory for temporary files that belongs to one test alone, so that it can see what is left in it. */
function ownTemporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tsoracle-cli-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** What is there apart from the cache of the compiler that Node may keep. */
const leftIn = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith("tsoracle"));

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when no process of this number is left. The test's own limit is the deadline. */
async function untilGone(pid: number): Promise<void> {
  while (exists(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

// Each of these starts several servers, one after the other; a busy machine takes its time for that.
describe("demo", { timeout: 90_000 }, () => {
  it("kills the server under load, finds nothing wrong, and leaves nothing behind", async () => {
    const temporary = ownTemporaryDirectory();
    const flags = ["demo", "--seconds", "4", "--kills", "2", "--json"];
    const { code, stdout, stderr } = await runCli(flags, { env: { TMPDIR: temporary } });
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("kill -9") });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      ok: true,
      duplicates: 0,
      regressions: 0,
      realTimeViolations: 0,
      notDurable: 0,
      evidence: [],
    });
    expect(report.issued).toBeGreaterThan(1_000);
    expect(report.kills).toHaveLength(2);
    for (const { pid, silentMs } of report.kills) {
      expect(silentMs).toBeGreaterThan(0);
      expect(exists(pid)).toBe(false);
    }
    expect(leftIn(temporary)).toEqual([]);
  });

  it("tells its story a line at a time where there is no terminal, and closes with the table", async () => {
    const { code, stdout, stderr } = await runCli(["demo", "--seconds", "3", "--kills", "1"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\u001b");
    for (const word of ["timestamps issued", "rate", "p50", "p99", "kill -9", "without answer", "PASS"]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).toMatch(/^ {2}duplicates +0$/m);
    expect(stdout).toMatch(/^ {2}regressions +0$/m);
    expect(stdout).toMatch(/^ {2}real-time violations +0$/m);
  });

  it("fails when a violation is injected", async () => {
    const flags = ["demo", "--seconds", "2", "--kills", "1", "--inject-violation"];
    const { code, stdout, stderr } = await runCli(flags);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*\n$/);
    expect(stdout).toContain("FAIL");
    expect(stdout).toMatch(/^ {2}duplicates +1$/m);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("takes its server and its directory along on %s", async (signal) => {
    const temporary = ownTemporaryDirectory();
    const demo = new CliProcess(["demo", "--seconds", "20", "--kills", "0"], { env: { TMPDIR: temporary } });
    const [, pid] = await demo.untilStdout(/serving {2}process (\d+)/);
    const end = await demo.kill(signal);
    expect(end).toMatchObject({ code: signal === "SIGINT" ? 130 : 143, signal: null });
    await untilGone(Number(pid));
    expect(leftIn(temporary)).toEqual([]);
  });

  it("takes its server along when it is killed with -9 itself", async () => {
    const temporary = ownTemporaryDirectory();
    const demo = new CliProcess(["demo", "--seconds", "20", "--kills", "0"], { env: { TMPDIR: temporary } });
    const [, pid] = await demo.untilStdout(/serving {2}process (\d+)/);
    await demo.kill("SIGKILL");
    await untilGone(Number(pid));
  });
});
