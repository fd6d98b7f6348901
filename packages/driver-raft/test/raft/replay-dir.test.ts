// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { replayDir, replayFiles } from "./replay-dir.ts";

const dir = mkdtempSync(join(tmpdir(), "tsoracle-replay-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function folder(group: string, files: Record<string, string>): void {
  mkdirSync(join(dir, group));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, group, name), text);
}

describe("replay of scenario files: what is replayed", () => {
  it("says in one line why nothing is replayed, if there is no folder", () => {
    for (const value of [undefined, "", join(dir, "absent")]) {
      const source = replayDir(value);
      expect("absent" in source && source.absent.split("\n")).toHaveLength(1);
    }
    expect(replayDir(dir)).toEqual({ dir });
  });

  it("takes all files of a group in the order of their names, and nothing else", () => {
    folder("good", { "b.txt": "x\n----\n\ny\n----\n", "a.txt": "z\n----\nok\n", "README.md": "no" });
    const files = replayFiles(dir, "good");
    expect(files.map(({ name, directives }) => [name, directives.length])).toEqual([
      ["a.txt", 1],
      ["b.txt", 2],
    ]);
  });

  it("fails instead of replaying nothing", () => {
    folder("empty", {});
    folder("hollow", { "a.txt": "# only a comment\n" });
    expect(() => replayFiles(dir, "missing")).toThrow("must hold files missing/*.txt");
    expect(() => replayFiles(dir, "empty")).toThrow("must hold files empty/*.txt");
    expect(() => replayFiles(dir, "hollow")).toThrow("hollow/a.txt holds no directive");
  });
});
