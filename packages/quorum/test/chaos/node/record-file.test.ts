// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { idsOnDisk, RecordFile } from "./record-file.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tsoracle-chaos-records-"));
  path = join(directory, "store.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("a file of records", () => {
  it("has on the disk what it has acknowledged, and nothing before", async () => {
    expect(await idsOnDisk(path)).toEqual([]);
    await using file = await RecordFile.open(path);
    expect(await idsOnDisk(path)).toEqual([]);
    await Promise.all(["a", "b", "c"].map((id) => file.append(id, `value of ${id}`)));
    expect([...(await idsOnDisk(path))].sort()).toEqual(["a", "b", "c"]);
  });

  it("keeps a record once, also when it comes again after a restart", async () => {
    await using file = await RecordFile.open(path);
    await Promise.all([file.append("a", "x"), file.append("a", "x")]);
    await using again = await RecordFile.open(path);
    await again.append("a", "x");
    await again.append("b", "y");
    expect(readFileSync(path, "utf8")).toBe('["a","x"]\n["b","y"]\n');
  });

  it("does not count the torn line of a process that was killed, and writes over it", async () => {
    await using file = await RecordFile.open(path);
    await file.append("ä", "x");
    appendFileSync(path, '["torn","ha');
    expect(await idsOnDisk(path)).toEqual(["ä"]);
    await using again = await RecordFile.open(path);
    await again.append("b", "y");
    expect(await idsOnDisk(path)).toEqual(["ä", "b"]);
  });
});
