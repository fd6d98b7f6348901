// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

describe("example: etcd", () => {
  it("fails over twice, asserts that callers went on in order, and ends by itself", { timeout: 90_000 }, async () => {
    const main = ["--import", "tsx", "src/main.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, main, { cwd: folder, timeout: 80_000 });
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^Initialized oracle \/examples\/\d+\/ /),
      "two servers, one leader, callers served",
      "kill -9 of the leader: the other server took over, callers went on",
      "SIGTERM of the next leader: it handed over, callers went on",
      "every answer judged: unique, increasing, in real-time order",
      "",
    ]);
  });
});
