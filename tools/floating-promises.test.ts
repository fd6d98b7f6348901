// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { floatingPromises } from "./floating-promises.ts";
import { workspaceRoot } from "./run-command.ts";

const prelude = `
declare const p: Promise<number>;
declare const ok: boolean;
declare function f(): Promise<void>;
declare function g(): void;
declare function listen(callback: () => void): void;
declare function map(callback: () => Promise<void>): void;
let kept: Promise<number> | undefined;
`;

/** What is found in one file that exists only here. */
function found(body: string): string[] {
  const path = join(workspaceRoot, "tools", "imagined.ts");
  const options: ts.CompilerOptions = { strict: true, target: ts.ScriptTarget.ES2023, types: [], noEmit: true };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target) =>
    name === path ? ts.createSourceFile(name, `${prelude}${body}\nexport {};`, target) : read(name, target);
  return floatingPromises(ts.createProgram([path], options, host));
}

describe("floating promises", () => {
  it.each([
    "f();",
    "(f());",
    "p;",
    "ok && f();",
    "ok ? f() : g();",
    "p.then(g);",
    "p.finally(g);",
    "listen(async () => {});",
    "listen(() => f());",
  ])("are found in %s", (body) => expect(found(body)).toHaveLength(1));

  it.each([
    "await f();",
    "void f();",
    "g();",
    "kept = p;",
    "kept ??= p;",
    "p.catch(g);",
    "p.then(g, g);",
    "p.catch(g).finally(g);",
    "listen(g);",
    "listen(() => void f());",
    "map(f); map(async () => {});",
  ])("are not seen in %s", (body) => expect(found(body)).toEqual([]));
});
