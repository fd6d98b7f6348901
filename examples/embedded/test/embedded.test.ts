// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

describe("example: embedded", () => {
  it("asserts the order of what it gets, over two lives, and ends by itself", async () => {
    const main = ["--import", "tsx", "src/main.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, main, { cwd: folder, timeout: 60_000 });
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^first life: \d+ to \d+$/),
      expect.stringMatching(/^second life: \d+ to \d+$/),
      "in order",
      "",
    ]);
  });
});
