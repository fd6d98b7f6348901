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
  readonly runner: Runner = {
    describe: (_name, body) => body(),
    it: (name, body) => void this.tests.set(name, body),
  };

  named(start: string): [name: string, body: () => Promise<void>] {
    const found = [...this.tests].find(([name]) => name.startsWith(start));
    if (found === undefined) throw new TypeError(`no test begins with ${start}`);
    return found;
  }
}

function recorded(subject: Subject): Recorder {
  const recorder = new Recorder();
  conformance(recorder.runner, subject);
  return recorder;
}

describe("conformance", () => {
  it("registers every clause that applies once, under its id", () => {
    const { tests } = recorded(memorySubject());
    const ids = [...tests.keys()].map((name) => name.split(":")[0]);
    const inapplicable = [
      ...["confirm.cut-off", "confirm.deposed", "durable.wiped", "durable.wiped-in-turn"],
      ...["leases.absent", "lifecycle.exclusive", "membership.members", "sequences.absent"],
    ];
    const expected = clauseIds.filter((id) => !inapplicable.includes(id));
    expect(ids.sort()).toEqual([...expected, "not applicable"].sort());
  });

  it("names in one test what does not apply, and why", async () => {
    const [name, body] = recorded(memorySubject()).named("not applicable");
    expect(name).toContain("leases.absent (the driver has leases)");
    await body();
  });

  it("fails that test when the driver does not have the capabilities of which it follows", async () => {
    const capabilities = { ...memorySubject().capabilities, leases: false };
    const [name, body] = recorded(memorySubject({ subject: { capabilities } })).named("not applicable");
    expect(name).toContain("leases.load (the driver has no leases)");
    await expect(body()).rejects.toThrow(/what does not apply follows from these/);
  });

  it("names in one test what was not exercised under a waiver, and why", async () => {
    const subject = memorySubject({
      subject: { faults: ["elect"], waivers: { crash: "no hands" } },
      faults: () => ({ crash: undefined }),
    });
    const recorder = recorded(subject);
    const [name, body] = recorder.named("NOT exercised");
    expect(name).toContain("durable.crash (cannot inject crash: no hands)");
    expect([...recorder.tests.keys()].some((other) => other.startsWith("durable.crash"))).toBe(false);
    await body();
  });

  it("fails that test when the waived fault is there after all", async () => {
    const [, body] = recorded(memorySubject({ subject: { faults: ["elect"], waivers: { crash: "no hands" } } })).named(
      "NOT exercised",
    );
    await expect(body()).rejects.toThrow(/has the fault "crash", which is waived: no hands/);
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
