// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

describe("example: fenced-writer", () => {
  it("refuses the writer that wakes up, loses nothing that was acknowledged, and ends by itself", {
    timeout: 150_000,
  }, async () => {
    const main = ["--import", "tsx", "src/main.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, main, { cwd: folder, timeout: 140_000 });
    expect(stdout.split("\n")).toEqual([
      "anna wrote to the ledger and was killed with -9 while she owned it",
      "ben took a later timestamp, claimed the ledger with it, and wrote on",
      "ben was stopped in the middle of it; anna came back, claimed the ledger and wrote on",
      "ben woke up, believed that he still owned it, and his write was refused",
      "the ledger holds every acknowledged line, without a gap, in the order of the owners",
      "",
    ]);
  });
});
