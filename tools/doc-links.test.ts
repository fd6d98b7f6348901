// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linkProblems } from "./doc-links.ts";
import { workspaceRoot } from "./run-command.ts";
import { workspaceFiles } from "./workspace-files.ts";

const pages = workspaceFiles().filter(({ path }) => path.endsWith(".md"));

describe("the documentation", () => {
  it("has no link that leads nowhere", () => {
    expect(pages.length).toBeGreaterThan(10);
    expect(linkProblems(pages, (path) => existsSync(join(workspaceRoot, path))).join("\n")).toBe("");
  });
});

describe("linkProblems", () => {
  const page = (text: string): readonly string[] =>
    linkProblems(
      [
        { path: "docs/a.md", text },
        { path: "docs/b.md", text: "# One\n\n## Two, and `three`\n\n```sh\n# no heading\n```\n" },
      ],
      (path) => ["docs/a.md", "docs/b.md", "README.md", "packages"].includes(path),
    );

  it("finds missing files and missing headings, from where the page lies", () => {
    expect(
      page("[x](b.md) [x](../README.md) [x](../packages) [x](b.md#two-and-three) [x](https://x.example/y)"),
    ).toEqual([]);
    expect(page("[x](README.md)")).toEqual(["docs/a.md: README.md leads to no file"]);
    expect(page("[x](b.md#four)")).toEqual(["docs/a.md: b.md#four leads to no heading"]);
    expect(page("[x](b.md#no-heading)")).toEqual(["docs/a.md: b.md#no-heading leads to no heading"]);
    expect(page("# Here\n\n[x](#here) [x](#there)")).toEqual(["docs/a.md: #there leads to no heading"]);
  });

  it("does not read code as links", () => {
    expect(page("```ts\ncall[0](nothing.md)\n```\n")).toEqual([]);
  });
});
