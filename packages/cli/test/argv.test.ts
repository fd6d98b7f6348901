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

  it.each(["raft"])("says that %s is not in this build, and which drivers are", (driver) => {
    expect(() => completeArguments(["serve", driver, "--url", "x"])).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: `driver '${driver}' is not in this build; this build has: file, memory, postgres, redis, etcd`,
      }),
    );
  });

  it("refuses a driver that nobody knows", () => {
    expect(() => completeArguments(["serve", "flie"])).toThrow(
      "unknown driver 'flie'; this build has: file, memory, postgres, redis, etcd",
    );
  });
});
