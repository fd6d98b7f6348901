// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ambientAllowed } from "./ambient-allowed.ts";
import {
  ambientProblems,
  machinePathProblems,
  SOURCE_LINES_MAX,
  type SourceFile,
  sizeProblems,
  spdxProblems,
  testModifierProblems,
} from "./house-rules.ts";
import { type PackageFacts, packageProblems } from "./package-rules.ts";
import { workspaceRoot } from "./run-command.ts";
import { workspaceFiles, workspacePackages } from "./workspace-files.ts";

const files = workspaceFiles();
const code = files.filter(({ path }) => /\.(?:ts|mts|mjs)$/.test(path));
const published = code.filter(({ path }) => /^packages\/[^/]+\/(?:src|bin)\//.test(path));
const sized = code.filter(({ path }) => /^packages\/[^/]+\/src\/|^tools\/|^examples\//.test(path));
const tests = code.filter(({ path }) => path.endsWith(".test.ts"));

/** One line per problem, so that a failure reads as a list of things to do. */
function expectNone(problems: readonly string[]): void {
  expect(problems.join("\n")).toBe("");
}

const textOf = (path: string): string => readFileSync(join(workspaceRoot, path), "utf8");

const at = (path: string, text: string): SourceFile => ({ path, text });

describe("the workspace", () => {
  it("is looked at as a whole", () => {
    expect(published.length).toBeGreaterThan(30);
    expect(tests.length).toBeGreaterThan(3);
  });

  it("names its licence in every source", () => expectNone(code.flatMap(spdxProblems)));

  it("keeps its sources short", () => expectNone(sized.flatMap(sizeProblems)));

  it("names no path of one machine", () => expectNone(files.flatMap(machinePathProblems)));

  it("reads clocks, waits and draws at random only where a reason is given", () => {
    expectNone(ambientProblems(published, ambientAllowed));
    expect(Object.keys(ambientAllowed).filter((path) => path.startsWith("packages/core/"))).toEqual([]);
    const shared = workspacePackages().filter(({ manifest }) => manifest.private !== true);
    expect(Object.keys(ambientAllowed).filter((path) => shared.some(({ folder }) => path === `${folder}/`))).toEqual(
      [],
    );
  });

  it("runs every test it has", () => expectNone(tests.flatMap(testModifierProblems)));

  it("has complete packages", () => expectNone(workspacePackages().flatMap(packageProblems)));

  it("has the commands that people and programs rely on, by their names", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
    const names = ["demo", "test", "start", "check", "conformance", "mutants", "sim", "stress", "bench", "build"];
    expect(names.filter((name) => scripts[name] === undefined)).toEqual([]);
    // Without a script of that name, pnpm runs the program itself and prints nothing before its output.
    expect(scripts["tsoracle"]).toBeUndefined();
  });

  it("is tested by the command that the README names", () => {
    const command = "corepack pnpm install --frozen-lockfile && corepack pnpm test";
    expect(textOf("README.md")).toContain(command);
    expect(textOf(".ci/run")).toContain(command);
  });

  it("locks versions, not places to get them from", () => {
    const lockfile = textOf("pnpm-lock.yaml");
    expectNone(lockfile.split("\n").filter((line) => /tarball:|https?:\/\//.test(line)));
  });
});

describe("the house rules themselves", () => {
  const spdx = "// SPDX-License-Identifier: Apache-2.0\n";

  it("want the licence in the first line, or after the line that starts a program", () => {
    expect(spdxProblems(at("a.ts", `${spdx}export {};`))).toEqual([]);
    expect(spdxProblems(at("a.mjs", `#!/usr/bin/env node\n${spdx}`))).toEqual([]);
    expect(spdxProblems(at("a.ts", `\n${spdx}`))).toHaveLength(1);
  });

  it("count lines up to and including the limit", () => {
    expect(sizeProblems(at("a.ts", "x\n".repeat(SOURCE_LINES_MAX)))).toEqual([]);
    expect(sizeProblems(at("a.ts", "x\n".repeat(SOURCE_LINES_MAX + 1)))).toHaveLength(1);
  });

  it("tell a path of one machine from a relative path or a URL", () => {
    const slash = "/";
    expect(machinePathProblems(at("a.md", `see ${slash}root/main and "${slash}tmp/x"`))).toHaveLength(2);
    expect(machinePathProblems(at("a.md", "see ../root/main, https://example.org/home/page, packages/tmp/x"))).toEqual(
      [],
    );
  });

  it.each([
    "const a = Date.now();",
    "const a = new Date();",
    "const a = Math.random();",
    "setTimeout(() => {}, 1);",
    "globalThis.setInterval(() => {}, 1);",
    'import { setTimeout as sleep } from "node:timers/promises";',
  ])("see the ambient use in %s", (text) => {
    expect(ambientProblems([at("packages/core/src/a.ts", text)], {})).not.toEqual([]);
    expect(ambientProblems([at("a.ts", text)], { "a.ts": "a shell" })).toEqual([]);
  });

  it.each([
    "// Date.now() is elsewhere",
    'const a = "setTimeout";',
    "const a = new Date(5);",
    "let timer: ReturnType<typeof setTimeout>;",
  ])("see no ambient use in %s", (text) => {
    expect(ambientProblems([at("a.ts", text)], {})).toEqual([]);
  });

  it("report a reason that nothing needs any more", () => {
    const allowed = { "a.ts": "once", "gone.ts": "once", "gone/": "once" };
    expect(ambientProblems([at("a.ts", "export {};")], allowed)).toHaveLength(3);
  });

  it("take a folder as a whole, and no folder that only begins alike", () => {
    const text = "setTimeout(() => {}, 1);";
    expect(ambientProblems([at("p/a.ts", text)], { "p/": "a program" })).toEqual([]);
    expect(ambientProblems([at("p/a.ts", text), at("pq/a.ts", text)], { "p/": "a program" })).toHaveLength(1);
  });

  it.each(["it.skip", "test.only", "describe.todo", "it.concurrent.skip", "it.skipIf(true)"])("refuse %s", (call) => {
    expect(testModifierProblems(at("a.test.ts", `${call}("x", () => {});`))).toHaveLength(1);
  });

  it("let skip be a name elsewhere", () => {
    expect(testModifierProblems(at("a.test.ts", "cursor.skip(3); it.each([1])('x', () => {});"))).toEqual([]);
  });
});

describe("the rules for packages", () => {
  const core = workspacePackages().find(({ folder }) => folder === "packages/core");
  if (core === undefined) throw new Error("packages/core is missing");
  const good: PackageFacts = { ...core, hasReadme: true, isBuilt: true, isInFixedGroup: true };
  const { publishConfig: _, ...unpublishable } = good.manifest;

  it("accept a complete package", () => expect(packageProblems(good)).toEqual([]));

  it.each<[string, PackageFacts]>([
    ["a README", { ...good, hasReadme: false }],
    ["a place in the build", { ...good, isBuilt: false }],
    ["the common version", { ...good, workspaceVersion: "9.9.9" }],
    ["a place in the fixed group", { ...good, isInFixedGroup: false }],
    ["its licence", { ...good, manifest: { ...good.manifest, license: "MIT" } }],
    ["a pack check", { ...good, manifest: { ...good.manifest, scripts: {} } }],
  ])("miss %s", (_name, facts) => expect(packageProblems(facts)).toHaveLength(1));

  it("want either private or published", () => {
    expect(packageProblems({ ...good, manifest: unpublishable })).not.toEqual([]);
    expect(packageProblems({ ...good, isInFixedGroup: false, manifest: { ...unpublishable, private: true } })).toEqual(
      [],
    );
  });

  it("want published exports to be the exports without sources", () => {
    const exports = { ".": { "tsoracle-source": "./src/index.ts", default: "./dist/other.js" } };
    expect(packageProblems({ ...good, manifest: { ...good.manifest, exports } })).toHaveLength(1);
  });
});
