// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { completeArguments } from "../src/argv.ts";

describe("arguments", () => {
  it.each([
    [[], ["serve", "file"]],
    [
      ["--listen", "127.0.0.1:0"],
      ["serve", "file", "--listen", "127.0.0.1:0"],
    ],
    [["serve"], ["serve", "file"]],
    [
      ["serve", "--state-dir", "d"],
      ["serve", "file", "--state-dir", "d"],
    ],
    [
      ["serve", "memory"],
      ["serve", "memory"],
    ],
    [
      ["serve", "--help"],
      ["serve", "--help"],
    ],
    [
      ["serve", "postgres"],
      ["serve", "postgres"],
    ],
    [["--help"], ["--help"]],
    [["-V"], ["-V"]],
    [
      ["get", "-n", "3"],
      ["get", "-n", "3"],
    ],
  ])("completes %j to %j", (words, completed) => {
    expect(completeArguments(words)).toEqual(completed);
  });

  it("refuses a driver that nobody knows", () => {
    expect(() => completeArguments(["serve", "flie"])).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: "unknown driver 'flie'; this build has: file, memory, postgres, redis, etcd, raft",
      }),
    );
  });
});
