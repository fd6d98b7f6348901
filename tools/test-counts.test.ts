// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDependency, workspaceRoot } from "./run-command.ts";
import { closingLine, RESULT_FILE_VARIABLE, settle, settleTogether, type TestCounts } from "./test-counts.ts";

/** The counts are judged on real runs, each over one small file that goes wrong in its own way. */
let folder = "";

beforeAll(() => {
  mkdirSync(join(workspaceRoot, ".tmp"), { recursive: true });
  folder = mkdtempSync(join(workspaceRoot, ".tmp", "test-counts-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(name: string, body: string, ...args: readonly string[]): Promise<TestCounts> {
  const root = join(folder, name);
  mkdirSync(root);
  const prelude = 'import { afterAll, beforeAll, describe, expect, it } from "vitest";\n';
  writeFileSync(join(root, "sample.test.ts"), prelude + body);
  // Without a configuration of its own, the run would look for one further up and find the workspace's.
  writeFileSync(join(root, "vitest.config.mjs"), "export default {};\n");
  const counts = join(root, "counts.json");
  const reporter = `--reporter=${join(workspaceRoot, "tools", "test-reporter.ts")}`;
  const vitest = ["run", "--root", root, "--pool=forks", reporter, ...args];
  const { code } = await runDependency("vitest", "vitest.mjs", vitest, { env: { [RESULT_FILE_VARIABLE]: counts } });
  return settle(JSON.parse(readFileSync(counts, "utf8")) as TestCounts, code);
}

const passing = 'it("passes", () => { expect(1).toBe(1); });\n';

describe("test counts", () => {
  it("count what passed, failed and was skipped", async () => {
    const body = `${passing}it("fails", () => { expect(1).toBe(2); });\nit("skips", (c) => c.skip());`;
    expect(await run("plain", body)).toEqual({ passed: 1, failed: 1, skipped: 1 });
  });

  it("count a file that cannot be imported as a failure", async () => {
    expect(await run("import", `import "./missing.ts";\n${passing}`)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it("count an error outside every test as a failure", async () => {
    const body = `it("leaves", async () => {
      queueMicrotask(() => { throw new Error("outside"); });
      await new Promise((resolve) => setImmediate(resolve));
    });`;
    expect(await run("outside", body)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("count a hook that fails as a failure", async () => {
    const body = `describe("late", () => { afterAll(() => { throw new Error("late"); }); ${passing} });`;
    expect(await run("hook", body)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it("count a worker that dies as a failure", async () => {
    const counts = await run("killed", `${passing}it("dies", () => { process.kill(process.pid, "SIGKILL"); });`);
    expect(counts.failed).toBeGreaterThan(0);
  });

  it("count a filter that matches nothing as a failure", async () => {
    expect(await run("filter", passing, "-t", "no such name")).toEqual({ passed: 0, failed: 1, skipped: 1 });
  });

  it("count a run without a result, or with a failing exit nobody explains, as a failure", () => {
    expect(settle(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(settle({ passed: 3, failed: 0, skipped: 0 }, 1)).toEqual({ passed: 3, failed: 1, skipped: 0 });
    expect(settle({ passed: 3, failed: 0, skipped: 0 }, 0)).toEqual({ passed: 3, failed: 0, skipped: 0 });
  });

  it("of several runs are added up; one may be empty, but neither all, nor one without a result", () => {
    const green = { counts: { passed: 3, failed: 0, skipped: 1 }, exitCode: 0 };
    const empty = { counts: { passed: 0, failed: 0, skipped: 2 }, exitCode: 0 };
    expect(settleTogether([green, green])).toEqual({ passed: 6, failed: 0, skipped: 2 });
    expect(settleTogether([green, empty])).toEqual({ passed: 3, failed: 0, skipped: 3 });
    expect(settleTogether([empty, empty])).toEqual({ passed: 0, failed: 1, skipped: 4 });
    expect(settleTogether([green, { counts: undefined, exitCode: 0 }])).toEqual({ passed: 3, failed: 1, skipped: 1 });
    expect(settleTogether([green, { ...empty, exitCode: 1 }])).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });
});

describe("the closing line", () => {
  it("has the form that programs read", () => {
    expect(closingLine({ passed: 12, failed: 0, skipped: 0 })).toBe("12 passed, 0 failed");
    expect(closingLine({ passed: 12, failed: 3, skipped: 4 })).toBe("12 passed, 3 failed, 4 skipped");
  });
});
