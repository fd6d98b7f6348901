// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { clauseIds, conformance, loadSubject, type Runner, type Subject } from "../src/index.ts";
import { memorySubject } from "./memory-subject.ts";
import { echo } from "./mutants/echo.ts";

/** A runner that remembers. */
class Recorder {
  readonly tests = new Map<string, () => Promise<void>>();
  readonly skipped: string[] = [];
  readonly runner: Runner;

  constructor(canSkip: boolean) {
    const it = (name: string, body: () => Promise<void>): void => void this.tests.set(name, body);
    const skip = (name: string): void => void this.skipped.push(name);
    this.runner = { describe: (_name, body) => body(), it: canSkip ? Object.assign(it, { skip }) : it };
  }

  named(start: string): [name: string, body: () => Promise<void>] {
    const found = [...this.tests].find(([name]) => name.startsWith(start));
    if (found === undefined) throw new TypeError(`no test begins with ${start}`);
    return found;
  }
}

function recorded(subject: Subject, canSkip = true): Recorder {
  const recorder = new Recorder(canSkip);
  conformance(recorder.runner, subject);
  return recorder;
}

describe("conformance", () => {
  it("registers every clause once, under its id", () => {
    const { tests, skipped } = recorded(memorySubject());
    const ids = [...tests.keys(), ...skipped].map((name) => name.split(":")[0]);
    expect(ids.sort()).toEqual([...clauseIds].sort());
  });

  it("says in the name what does not apply, and why", () => {
    const { skipped } = recorded(memorySubject());
    expect(skipped.find((name) => name.startsWith("leases.absent"))).toContain(
      "[not applicable: the driver has leases]",
    );
    const [name] = recorded(memorySubject(), false).named("leases.absent");
    expect(name).toContain("[not applicable: the driver has leases]");
  });

  it("says in the name what a waiver covers, and why", () => {
    const subject = memorySubject({ subject: { faults: ["elect"], waivers: { crash: "no hands" } } });
    const { skipped } = recorded(subject);
    expect(skipped.find((name) => name.startsWith("durable.crash"))).toContain(
      "[unexercised, cannot inject crash: no hands]",
    );
  });

  it("registers as a test, and fails, what is unexercised without a waiver", async () => {
    const [name, body] = recorded(memorySubject({ subject: { faults: [] } })).named("durable.crash");
    expect(name).toContain("no waiver");
    await expect(body()).rejects.toThrow(/unexercised: cannot inject crash/);
  });

  it("says in the name what is a known gap, and fails when it is closed", async () => {
    const gaps = { "advance.max": "it echoes" } as const;
    const [name, confirmed] = recorded({ ...echo.subject, gaps }).named("advance.max");
    expect(name).toContain("[known gap: it echoes]");
    await confirmed();
    const [, closed] = recorded(memorySubject({ subject: { gaps } })).named("advance.max");
    await expect(closed()).rejects.toThrow(/gap-closed/);
  });

  it("rejects with the id, the seed and the assertion as cause", async () => {
    const [, body] = recorded(echo.subject).named("advance.max");
    const error = await body().then(
      () => undefined,
      (rejected: Error) => rejected,
    );
    expect(error?.message).toMatch(/^advance\.max fail: .*TSORACLE_SEED=1/s);
    expect(error?.cause).toMatchObject({ code: "ERR_ASSERTION" });
  });

  it("runs under node:test, from the built package, and fails there too", async () => {
    const program = fileURLToPath(new URL("programs/under-node-test.mjs", import.meta.url));
    const run = (broken: string): Promise<{ code: number; stdout: string }> =>
      promisify(execFile)(process.execPath, ["--test", "--test-reporter=tap", program], {
        env: { ...process.env, BROKEN: broken, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: "" },
        timeout: 60_000,
      }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
      );
    const good = await run("");
    expect(good.stdout).toContain("# fail 0");
    expect(good.stdout).toMatch(/ok \d+ - advance\.max/);
    expect(good.code).toBe(0);
    const bad = await run("yes");
    expect(bad.stdout).toMatch(/not ok \d+ - advance\.max/);
    expect(bad.code).toBe(1);
  }, 120_000);
});

describe("loadSubject", () => {
  const url = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;
  const subject =
    '{ name: "x", nodes: 1, faults: [], capabilities: { topology: "single" }, provision: async () => {} }';

  it.each([
    ["a default subject", `export default ${subject}`],
    ["a named subject", `export const subject = ${subject}`],
    ["a function that makes one", `export default async () => (${subject})`],
  ])("takes %s", async (_what, source) => {
    expect((await loadSubject(url(source))).name).toBe("x");
  });

  it("refuses a module without one, and says what it found", async () => {
    await expect(loadSubject(url("export const driver = 1"))).rejects.toThrow(/it exports driver/);
    await expect(loadSubject(url("export default { name: 'x', nodes: 4 }"))).rejects.toThrow(/1, 3 or 5/);
  });
});
