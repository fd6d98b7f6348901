// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { lines, runCli, temporaryDirectory } from "./cli-process.ts";

const subject = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));

describe("conformance", { timeout: 60_000 }, () => {
  it("passes a sound driver, shows each clause and writes the report", async () => {
    const json = join(temporaryDirectory(), "report.json");
    const { code, stdout, stderr } = await runCli(["conformance", subject("memory-subject"), "--json", json]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/ advance\.max +pass$/m);
    const report = JSON.parse(readFileSync(json, "utf8"));
    expect(report).toMatchObject({ subject: "memory without faults", ok: true, strict: true });
    expect(report.counts.pass).toBeGreaterThan(5);
    expect(report.counts.fail).toBe(0);
  });

  it("does not pass what was not exercised without a reason, unless it need not be strict", async () => {
    const module = subject("memory-subject-without-waivers");
    const strict = await runCli(["conformance", module]);
    expect(strict.code).toBe(1);
    expect(lines(strict.stderr)).toEqual([expect.stringContaining("memory without reasons")]);
    expect(await runCli(["conformance", module, "--no-strict"])).toMatchObject({ code: 0, stderr: "" });
  });

  it("fails a driver that breaks the contract, naming the clause", async () => {
    const { code, stdout } = await runCli(["conformance", subject("broken-subject"), "--json", "-"]);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    const failed = report.results.filter(({ outcome }: { outcome: string }) => outcome === "fail");
    expect(failed.map(({ id }: { id: string }) => id)).toContain("load.linearized");
  });

  it("ends although the subject leaves something running", async () => {
    const module = join(temporaryDirectory(), "restless.mjs");
    const sound = JSON.stringify(pathToFileURL(subject("memory-subject")).href);
    writeFileSync(module, `setInterval(() => {}, 1000);\nexport { subject } from ${sound};\n`);
    expect(await runCli(["conformance", module])).toMatchObject({ code: 0, stderr: "" });
  });

  it("refuses a module that is no subject", async () => {
    const module = join(temporaryDirectory(), "nothing.mjs");
    writeFileSync(module, "export const nothing = 1;\n");
    const { code, stderr } = await runCli(["conformance", module]);
    expect(code).toBe(2);
    expect(lines(stderr)).toEqual([expect.stringContaining("subject")]);
  });
});
