// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

describe("example: cluster-raft", () => {
  it("goes on through a kill, a new member and the end of a leader, and ends by itself", {
    timeout: 150_000,
  }, async () => {
    const main = ["--import", "tsx", "src/main.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, main, { cwd: folder, timeout: 140_000 });
    expect(stdout.split("\n")).toEqual([
      "three servers, one leader, callers served",
      "kill -9 of the leader: another server took over, callers went on",
      "a fourth node joined and was given a vote, callers went on",
      "the leader was removed: it handed over and ended, callers went on",
      "every answer judged: unique, increasing, in real-time order",
      "",
    ]);
  });
});
